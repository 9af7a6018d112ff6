"""How the page stores numbers: small integers, deflated, in base64.

Code q of a map means ``(q - 128) / 127 * limit``, of a probability ``(q - 1) / 254``. Code 0 always means no
value. Packed data starts with one byte, which is 1 where the rest are differences to the byte before.
"""

import base64
import zlib

import matplotlib
import numpy as np
from numpy.typing import NDArray

from tasks.reporting.drawing.colour import PROBABILITY, attribution_colours

Codes = NDArray[np.uint8]
_LEVEL = 6
_FULL_AT = 0.5


def map_codes(values: NDArray[np.floating], limit: float) -> Codes:
    """Return uint8 of the shape of ``values``; within the scale the error is at most ``limit / 254``."""
    scaled = np.clip(np.nan_to_num(values) / limit, -1.0, 1.0)
    codes = np.rint(128 + 127 * scaled)
    return np.where(np.isfinite(values), codes, 0).astype(np.uint8)


def probability_codes(values: NDArray[np.floating]) -> Codes:
    """Return uint8 of the shape of ``values``, which lie in 0..1."""
    codes = np.rint(1 + 254 * np.clip(np.nan_to_num(values), 0.0, 1.0))
    return np.where(np.isfinite(values), codes, 0).astype(np.uint8)


def range_codes(values: NDArray[np.floating], low: float, high: float, levels: int) -> NDArray[np.uint16]:
    """Return uint16: 1 for ``low``, ``levels`` for ``high``, 0 for NaN; 1 where ``low`` is ``high``."""
    span = high - low or 1.0
    codes = 1 + np.rint((levels - 1) * np.clip((np.nan_to_num(values) - low) / span, 0.0, 1.0))
    return np.where(np.isfinite(values), codes, 0).astype(np.uint16)


def packed(codes: Codes) -> str:
    """Return ``codes`` as text, as they are or as differences, whichever is shorter."""
    plain = np.ascontiguousarray(codes).reshape(-1)
    steps = np.diff(plain, prepend=plain.dtype.type(0))
    both = ((b"\0", plain), (b"\1", steps))
    texts = (zlib.compress(flag + data.tobytes(), _LEVEL) for flag, data in both)
    return base64.b64encode(min(texts, key=len)).decode()


def packed_words(codes: NDArray[np.uint16]) -> str:
    """Return 16-bit ``codes`` as text: first all high bytes, then all low bytes."""
    flat = codes.reshape(-1)
    return packed(np.concatenate([flat >> 8, flat & 255]).astype(np.uint8))


def packed_text(text: str) -> str:
    """Return ``text``, deflated, in base64."""
    return base64.b64encode(zlib.compress(b"\0" + text.encode(), 9)).decode()


def colour_table(kind: str) -> str:
    """Return red, green, blue and alpha of all 256 codes.

    ``kind`` is ``signed``, ``magnitude`` or ``probability``. As in the drawings, alpha is full from half of
    the limit on. Probabilities are opaque.
    """
    codes = np.arange(256)
    scaled = np.clip((codes - 128) / 127, -1.0, 1.0)
    if kind == "probability":
        colours = matplotlib.colormaps[PROBABILITY](np.clip((codes - 1) / 254, 0.0, 1.0))[:, :3]
        alpha = np.ones(256)
    else:
        signed = kind == "signed"
        colours = attribution_colours(scaled if signed else np.maximum(scaled, 0.0), signed=signed)
        alpha = np.minimum(1.0, np.abs(scaled) / _FULL_AT)
    table = np.concatenate([colours, alpha[:, None]], axis=1)
    table[0] = 0.0
    return base64.b64encode(np.rint(255 * table).astype(np.uint8).tobytes()).decode()
