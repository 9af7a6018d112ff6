"""The size of a pixel, from the file's metadata or else the manifest, checked and never guessed."""

import math
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from tasks.slides.errors import SlideError

MPP_RANGE = (0.05, 40.0)
"""The plausible micrometres per pixel; a converted file may claim 352."""

SAME = 0.02
"""Pixel sizes that differ by less than this fraction are equal."""

MOST_UNEQUAL = 0.1
"""An override may state pixels whose sides differ by up to this fraction."""

OVERRIDE_ADVICE = "write the true value into the manifest's mpp_override and say why in mpp_override_reason"
"""The way on where metadata are plausible and wrong."""

_NUMBER = r"\d+(?:\.\d+)?"
_OVERRIDE = re.compile(rf"({_NUMBER})(?:\s*[xX\u00d7]\s*({_NUMBER}))?")


class MppOverride(NamedTuple):
    """Micrometres per level-0 pixel along x and y that count whatever the metadata say."""

    x: float
    y: float


ManifestMpp = float | MppOverride | None
"""What a manifest says of the size of a pixel: a value to fill in, an override, or nothing."""


class Resolution(NamedTuple):
    """Micrometres per level-0 pixel along x and y, and their source."""

    mpp: float
    mpp_y: float
    source: Literal["metadata", "manifest", "override"]


def parse_override(text: str) -> MppOverride:
    """Return the override that a cell states: one number for both axes, or two as in ``0.25x0.26``.

    Raises:
        ValueError: no such number, out of range, or sides that differ by more than ``MOST_UNEQUAL``.
    """
    matched = _OVERRIDE.fullmatch(text.strip())
    if matched is None:
        raise ValueError("should be micrometres per pixel such as 0.25, or 0.25x0.26 for x and y")
    x, y = float(matched[1]), float(matched[2] or matched[1])
    low, high = MPP_RANGE
    if not (low <= x <= high and low <= y <= high):
        raise ValueError(f"should lie between {low:g} and {high:g} micrometres per pixel")
    if not math.isclose(x, y, rel_tol=MOST_UNEQUAL):
        raise ValueError(f"the two sides of a pixel may differ by {MOST_UNEQUAL:.0%}")
    return MppOverride(x, y)


def resolve(
    properties: Mapping[str, str], manifest_mpp: ManifestMpp, allowed: tuple[float, float], where: str
) -> Resolution:
    """Return the resolution of a slide.

    An override counts, whatever the metadata say. Without one, the metadata count where they are plausible.
    The manifest's ``mpp`` fills in where they are missing or out of range. It never replaces plausible
    metadata: a difference is an error.

    Args:
        properties: OpenSlide's properties.
        manifest_mpp: micrometres per pixel that the manifest states, if it does.
        allowed: lowest and highest believable micrometres per pixel.
        where: the slide's name, for the sentence.

    Raises:
        SlideError: no source, out of range, x and y differ, or metadata and manifest differ.
    """
    low, high = allowed
    stated_here = () if manifest_mpp is None else _both(manifest_mpp)
    if not all(low <= value <= high for value in stated_here):
        said = " x ".join(f"{value:g}" for value in dict.fromkeys(stated_here))
        raise SlideError(f"{where}: the manifest states {said} um/px; allowed are {low:g} to {high:g}")
    if isinstance(manifest_mpp, MppOverride):
        return Resolution(*manifest_mpp, "override")
    stated = _metadata(properties, where)
    if stated is None or not all(low <= value <= high for value in stated):
        return _from_manifest(stated, manifest_mpp, allowed, where)
    _agree(stated, manifest_mpp, where)
    return Resolution(*stated, "metadata")


def _both(stated: float | MppOverride) -> tuple[float, float]:
    return (stated.x, stated.y) if isinstance(stated, MppOverride) else (stated, stated)


def _metadata(properties: Mapping[str, str], where: str) -> tuple[float, float] | None:
    texts = [properties.get(f"openslide.mpp-{axis}") for axis in "xy"]
    given = [text for text in texts if text is not None]
    if not given:
        return None
    try:
        values = [float(text) for text in given]
    except ValueError:
        raise SlideError(
            f"{where}: the metadata states {given[0]!r} um/px, which is no number; {OVERRIDE_ADVICE}"
        ) from None
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
            f"{where}: the metadata states pixels of {x:g} um wide and {y:g} um high; a difference of 2 % is "
            f"allowed. {OVERRIDE_ADVICE.capitalize()}: one number for both sides, or two as in 0.25x0.26"
        )
    if manifest_mpp is not None and not math.isclose(x, manifest_mpp, rel_tol=SAME):
        raise SlideError(
            f"{where}: the metadata states {x:g} um/px and the manifest {manifest_mpp:g}; they may differ by "
            f"2 %. If the metadata is right, leave mpp empty. If it is wrong, {OVERRIDE_ADVICE}"
        )
