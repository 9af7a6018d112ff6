"""Colour scales for maps over grey tissue, readable with any colour vision."""

from collections.abc import Iterable, Sequence

import matplotlib
import numpy as np
from numpy.typing import NDArray

from tasks.reporting.arrays import RawMap, Rgb

SIGNED = "RdBu_r"
"""Blue below zero, red above: distinct under every common colour deficiency (ColorBrewer)."""
MAGNITUDE = "inferno_r"
PROBABILITY = "viridis"
_LUMA = np.array([0.299, 0.587, 0.114])
_PALE = 0.45
_FULL_AT = 0.5
"""Fraction of the limit at which a colour reaches full opacity."""


def colour_limit(maps: Sequence[RawMap], percentile: float) -> float:
    """Return the end of the common scale of ``maps``, one per model; see :func:`common_end`."""
    nonzero = [np.abs(values[np.isfinite(values) & (values != 0)]) for values in maps]
    return common_end([float(np.percentile(values, percentile)) for values in nonzero if values.size])


def common_end(ends: Iterable[float]) -> float:
    """Return the median of ``ends``, where the scale of each model alone would end.

    The median resists a diverged model, whose large attributions would leave all other maps blank. Of two
    middle values the upper one is returned. Ends of 0 come from maps that are zero and do not count; 1.0 is
    returned where no other is left.
    """
    positive = sorted(end for end in ends if end > 0)
    return positive[len(positive) // 2] if positive else 1.0


def greyed(image: Rgb) -> Rgb:
    """Return ``image`` [H, W, 3] in pale grey, so that every colour laid over it shows a value."""
    grey = 255.0 - _PALE * (255.0 - image @ _LUMA)
    return np.repeat(np.rint(grey)[..., None], 3, axis=2).astype(np.uint8)


def paint_attribution(image: Rgb, values: RawMap, limit: float, opacity: float, *, signed: bool) -> Rgb:
    """Return ``image`` [H, W, 3] in pale grey with raw attributions [H, W] over it.

    The scale runs from -``limit`` (0 where not ``signed``) to ``limit``; values beyond are clipped. Opacity
    grows with the absolute value, so that zero shows bare tissue.
    """
    scaled = np.clip(np.nan_to_num(values) / limit, -1.0, 1.0)
    colours = attribution_colours(scaled, signed=signed)
    return _blend(greyed(image), colours, opacity * np.minimum(1.0, np.abs(scaled) / _FULL_AT))


def attribution_colours(scaled: NDArray[np.floating], *, signed: bool) -> NDArray[np.float64]:
    """Return RGB in 0..1 for values in -1..1 (signed) or 0..1 (magnitudes)."""
    where = 0.5 + scaled / 2 if signed else np.abs(scaled)
    return _colours(SIGNED if signed else MAGNITUDE, where)


def paint_probability(image: Rgb, values: RawMap, opacity: float = 0.6) -> Rgb:
    """Return ``image`` in pale grey with probabilities [H, W] in 0..1 over it; NaN shows bare tissue."""
    finite = np.isfinite(values)
    colours = _colours(PROBABILITY, np.where(finite, values, 0.0))
    return _blend(greyed(image), colours, np.where(finite, opacity, 0.0))


def _colours(name: str, where: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(matplotlib.colormaps[name](np.asarray(where, dtype=np.float64)))[..., :3]


def _blend(image: Rgb, colours: NDArray[np.float64], opacity: NDArray[np.floating]) -> Rgb:
    alpha = opacity[..., None]
    mixed = (1 - alpha) * image + alpha * 255.0 * colours
    return np.rint(mixed).astype(np.uint8)
