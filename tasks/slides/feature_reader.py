"""A feature file as a slide without pixels: its geometry, a white picture, and no tile that could be read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from tasks.slides.choice import ReaderChoice
from tasks.slides.errors import SlideError
from tasks.slides.facts import FileFacts
from tasks.slides.feature_files import FeatureFile, read_feature_file
from tasks.slides.geometry import geometry_of
from tasks.slides.level_region import LevelRegion, Rgb
from tasks.slides.overview import Overview
from tasks.slides.reader import SlideReader
from tasks.slides.resolution import MPP_RANGE, ManifestMpp, MppOverride, Resolution, resolve

_WHITE = 255
_VENDOR = "feature file"
_MOST_APART = 0.25
"""A nominal resolution is off by the scanner's own, but not by more than this fraction."""


def open_feature_file(path: Path, mpp: ManifestMpp, thumbnail_px: int = 1024) -> "FeatureFileReader":
    """Open a feature file as a slide.

    Args:
        path: the file.
        mpp: micrometres per level-0 pixel that the manifest states. It counts before what the file implies,
            which is nominal.
        thumbnail_px: longer side of the white thumbnail.

    Raises:
        SlideError: the file cannot be used, or nothing says how large its pixels are.
    """
    features = read_feature_file(path)
    resolution = resolution_of(features, mpp, path.name)
    facts = _facts(features, resolution)
    choice = ReaderChoice(name="features", reason="there are features and no pixels", facts=facts)
    return FeatureFileReader(path, choice, geometry_of(facts, resolution, thumbnail_px))


def resolution_of(features: FeatureFile, mpp: ManifestMpp, where: str) -> Resolution:
    """Return the size of a level-0 pixel, from the manifest or else as the file implies it.

    Raises:
        SlideError: neither says it, or they differ by more than a quarter.
    """
    nominal = features.level0_mpp
    if mpp is None and nominal is not None:
        return resolve({"openslide.mpp-x": f"{nominal}"}, None, MPP_RANGE, where)
    stated = resolve({}, mpp, MPP_RANGE, where)
    if (
        nominal is not None
        and abs(stated.mpp / nominal - 1) > _MOST_APART
        and not isinstance(mpp, MppOverride)
    ):
        raise SlideError(
            f"{where}: its attributes imply about {nominal:.3g} um per level-0 pixel and the manifest states "
            f"{stated.mpp:g}; if the manifest is right, write it into mpp_override and say why"
        )
    return stated


def _facts(features: FeatureFile, resolution: Resolution) -> FileFacts:
    """Return the facts of a slide that all tiles fit into."""
    size = features.slide_size
    if size is None:
        corners = features.corners_level0(resolution.mpp, resolution.mpp_y)
        side = features.side_level0(resolution.mpp) or _step(corners)
        width, height = (int(np.ceil(edge + side)) for edge in corners.max(axis=0))
        size = (width, height)
    properties = {
        f"openslide.mpp-{axis}": f"{value}" for axis, value in zip("xy", resolution[:2], strict=True)
    }
    return FileFacts(vendor=_VENDOR, level_sizes=(size,), level_downsamples=(1.0,), properties=properties)


def _step(corners: np.ndarray) -> float:
    """Return the least distance of two columns or rows: the side of tiles that lie edge to edge."""
    steps = np.concatenate([np.diff(np.unique(edges)) for edges in corners.T])
    return float(steps.min()) if len(steps) else 1.0


class FeatureSource:
    """Reads nothing: there are no pixels."""

    def __init__(self, facts: FileFacts) -> None:
        self._facts = facts

    def facts(self) -> FileFacts:
        """Return what is known of the slide."""
        return self._facts

    def close(self) -> None:
        """Do nothing."""

    def region(self, wanted: LevelRegion) -> Rgb:
        """Raise SlideError."""
        raise SlideError(f"there are no pixels at ({wanted.x}, {wanted.y}): the file holds features alone")


class FeatureFileReader(SlideReader):
    """A feature file, open as a slide: its thumbnail is white, and no tile of it can be read."""

    def _open_source(self, path: Path) -> FeatureSource:
        return FeatureSource(self.choice.facts)

    def read_tiles(
        self, x_level0: ArrayLike, y_level0: ArrayLike, extent_level0: float, out_px: int
    ) -> tuple[Rgb, list[str]]:
        """Return N white squares, each with the reason: there are no pixels."""
        count = len(np.asarray(x_level0))
        said = f"{self._path.name} holds features and no pixels; name the slide file in the manifest's path"
        return np.full((count, out_px, out_px, 3), _WHITE, np.uint8), [said] * count

    def _overview(self, size: tuple[int, int]) -> Overview:
        width, height = size
        full: Sequence[int] = (self.geometry.width_level0, self.geometry.height_level0)
        pixels = np.full((height, width, 3), _WHITE, np.uint8)
        readable = np.ones((height, width), np.bool_)
        return Overview(pixels, readable, full[0] / width, full[1] / height, "")
