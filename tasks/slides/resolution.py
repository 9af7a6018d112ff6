"""The size of a pixel, from the file's metadata or else the manifest, checked and never guessed."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

from tasks.slides.errors import SlideError

MPP_RANGE = (0.05, 40.0)
"""The plausible micrometres per pixel; a converted file may claim 352."""

SAME = 0.02
"""Pixel sizes that differ by less than this fraction are equal."""


class Resolution(NamedTuple):
    """Micrometres per level-0 pixel along x and y, and their source."""

    mpp: float
    mpp_y: float
    source: Literal["metadata", "manifest"]


def resolve(
    properties: Mapping[str, str], manifest_mpp: float | None, allowed: tuple[float, float], where: str
) -> Resolution:
    """Return the resolution of a slide.

    The metadata counts where it is plausible. The manifest fills in where the metadata is missing or out
    of range; it never overrides plausible metadata: a difference is an error.

    Args:
        properties: OpenSlide's properties.
        manifest_mpp: micrometres per pixel that the manifest states, if it does.
        allowed: lowest and highest believable micrometres per pixel.
        where: the slide's name, for the sentence.

    Raises:
        SlideError: no source, out of range, x and y differ, or metadata and manifest differ.
    """
    stated = _metadata(properties, where)
    low, high = allowed
    if manifest_mpp is not None and not low <= manifest_mpp <= high:
        raise SlideError(
            f"{where}: the manifest states {manifest_mpp:g} um/px; allowed are {low:g} to {high:g}"
        )
    if stated is None or not all(low <= value <= high for value in stated):
        return _from_manifest(stated, manifest_mpp, allowed, where)
    _agree(stated, manifest_mpp, where)
    return Resolution(*stated, "metadata")


def _metadata(properties: Mapping[str, str], where: str) -> tuple[float, float] | None:
    texts = [properties.get(f"openslide.mpp-{axis}") for axis in "xy"]
    given = [text for text in texts if text is not None]
    if not given:
        return None
    try:
        values = [float(text) for text in given]
    except ValueError:
        raise SlideError(f"{where}: the metadata states {given[0]!r} um/px, which is no number") from None
    return values[0], values[-1]


def _from_manifest(
    stated: tuple[float, float] | None, manifest_mpp: float | None, allowed: tuple[float, float], where: str
) -> Resolution:
    if manifest_mpp is not None:
        return Resolution(manifest_mpp, manifest_mpp, "manifest")
    said = "states no um/px" if stated is None else f"states {stated[0]:g} x {stated[1]:g} um/px"
    low, high = allowed
    raise SlideError(
        f"{where}: the metadata {said} and the manifest has no mpp; allowed are {low:g} to {high:g}, "
        "so write the true value into the manifest's mpp column"
    )


def _agree(stated: tuple[float, float], manifest_mpp: float | None, where: str) -> None:
    x, y = stated
    if not math.isclose(x, y, rel_tol=SAME):
        raise SlideError(
            f"{where}: pixels are {x:g} um wide and {y:g} um high; a difference of 2 % is allowed"
        )
    if manifest_mpp is not None and not math.isclose(x, manifest_mpp, rel_tol=SAME):
        raise SlideError(
            f"{where}: the metadata states {x:g} um/px and the manifest {manifest_mpp:g}; "
            "they may differ by 2 %, so correct the manifest or leave its mpp empty"
        )
