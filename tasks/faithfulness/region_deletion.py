"""Region deletion: deletion of whole regions, about as large as a nucleus, by the mean of their values."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._regions import Regions, grid_regions, region_ranks, superpixels
from tasks.faithfulness.base import AttributionBlock, ProbeKey
from tasks.faithfulness.deletion import Deletion


class RegionDeletion(Deletion):
    """MoRF, LeRF and gap as in deletion, where all pixels of a region go at once.

    Single removed pixels look like salt noise, which networks respond to; a region removes an object. Regions
    are ranked by the mean over their pixels of the ranked values. The axis is the fraction of pixels. At each
    step those regions are removed whose middle rank is reached, so regions of unequal size are compared at
    equal fractions. With fewer regions than steps some steps show the same image. A tile of a single region,
    as superpixels of bare glass may be, scores a gap of 0.
    """

    source: ClassVar[str] = (
        "Samek et al. (2017), arXiv:1509.06321 (squares); Rieger and Hansen (2020), arXiv:2003.08747 "
        "(superpixels by mean relevance); Achanta et al. (2012), doi:10.1109/TPAMI.2012.120 (SLIC); the "
        "common axis of pixels is ours"
    )

    regions: Regions = "grid"
    """Squares of a grid, or superpixels found in the image, whatever the map."""
    region_px: int = Field(default=8, ge=2)
    """Side of a square, or root of the mean area aimed at, in tile pixels: 8 are about a nucleus at 1 mpp."""

    @property
    def removed(self) -> str:
        """What goes at once, in words."""
        return "squares" if self.regions == "grid" else "superpixels"

    def ranks(self, block: TileBlock, part: AttributionBlock) -> Tensor:
        """Return float64 [n, H * W], equal for the pixels of a region."""
        values, regions = self.ranked(part.values), self._regions(block).flatten(1)
        # Counted on the host, since nothing waits for the device before the plan ends.
        count = int(regions.max()) + 1
        return region_ranks(values, regions.to(values.device), count, self.seed, block.keys)

    def ranking_key(self) -> ProbeKey:
        """Return what, beside the map, decides :meth:`ranks`."""
        return (self.regions, self.region_px, self.ranked_by, self.seed)

    def _regions(self, block: TileBlock) -> Tensor:
        """Return int64 [n, H, W] on the host; superpixels are computed once per block, for all explainers."""
        if self.regions == "grid":
            height, width = block.images.shape[2:]
            return grid_regions(height, width, self.region_px).expand(len(block.rows), -1, -1)
        key = ("superpixels", self.region_px)
        if key not in block.kept:
            block.kept[key] = superpixels(block.slide.tiles.pixels[block.rows], self.region_px)
        return block.kept[key]
