"""Image alignment: how much a map looks like the image itself."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.sources import EvidenceError
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, UnitScores
from tasks.functional.edges import edge_magnitude


class ImageAlignment(Metric):
    """Cosine and structural similarity of the magnitudes of a map with the edges of the image.

    Some ways of training claim input gradients that look like the input. The structure of the image is the
    Sobel magnitude of its optical density (:func:`tasks.functional.edges.edge_magnitude`), of which the
    control ``edge_map`` consists, so that control scores 1 without any network. Looking like the image is
    thus no merit of a map. It is what such a training claims of its gradients, and neither end is better.

    ``cosine`` is taken over all pixels. Its chance level is the mean over all orders of the map's pixels, by
    its closed form: two maps without a negative value always have a cosine above 0. ``ssim`` compares both
    at each position of a window, each divided by its maximum. A tile without an edge and a map of zeros are
    excluded and counted. The gradient against the image itself, before channels are summed, is measured by
    the model metric ``input_alignment``.
    """

    source: ClassVar[str] = (
        "the claim of Li and Wang (noise modulation) and of Etmann et al. (2019), arXiv:1905.04172; Wang et "
        "al. (2004), doi:10.1109/TIP.2003.819861 (SSIM); edges of the optical density as structure are ours"
    )

    window_px: int = Field(default=7, ge=3)
    """Side of the window of ``ssim``, in tile pixels; odd."""

    @field_validator("window_px")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"window_px must be odd, got {value}")
        return value

    @property
    def sign(self) -> str:
        """Magnitudes."""
        return "magnitudes count: the sign is dropped"

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return both similarities; no direction, since a map of edges needs no network."""
        like = f"of magnitudes and edges of the image, 1 for the edges themselves; {self.sign}"
        return (
            ScoreInfo(
                name="cosine", direction="none", lower_bound=0.0, upper_bound=1.0, meaning=f"cosine {like}"
            ),
            ScoreInfo(
                name="ssim",
                direction="none",
                lower_bound=-1.0,
                upper_bound=1.0,
                meaning=f"mean structural similarity {like}",
            ),
        )

    def score_block(self, block: TileBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both similarities; NaN for a tile without an edge or a map of zeros."""
        maps, edges = part.maps.abs().double(), self._edges(block)
        even, empty = edges.flatten(1).amax(1) == 0, maps.flatten(1).amax(1) == 0
        size = maps.flatten(1).norm(dim=1) * edges.flatten(1).norm(dim=1)
        left_out = even | empty
        values = {
            "cosine": ((maps * edges).sum((1, 2)) / size).clamp(0, 1),
            "ssim": self._ssim(maps, edges),
        }
        chance = maps.mean((1, 2)) * edges.sum((1, 2)) / size
        return UnitScores(
            values={name: value.masked_fill(left_out, torch.nan) for name, value in values.items()},
            chance={"cosine": chance.masked_fill(left_out, torch.nan)},
            excluded={
                "the tile has no edge": even,
                "the map is 0 everywhere": empty & ~even,
            },
        )

    def _edges(self, block: TileBlock) -> Tensor:
        """Return float64 [n, H, W]; computed once per block, for all explainers."""
        if "edges" not in block.kept:
            block.kept["edges"] = edge_magnitude(block.images).double()
        return block.kept["edges"]

    def _ssim(self, maps: Tensor, edges: Tensor) -> Tensor:
        """Return float64 [n], each over its maximum."""
        from skimage.metrics import structural_similarity  # takes long to import

        if min(maps.shape[1:]) < self.window_px:
            raise EvidenceError(
                f"metric {self.id!r} has a window of {self.window_px} px, but the tiles are "
                f"{maps.shape[1]} x {maps.shape[2]} px; set window_px to less"
            )
        pairs = zip(*(_scaled(each).cpu().numpy() for each in (maps, edges)), strict=True)
        found = [structural_similarity(*pair, win_size=self.window_px, data_range=1.0) for pair in pairs]
        return torch.from_numpy(np.array(found, dtype=np.float64)).to(maps.device)


def _scaled(values: Tensor) -> Tensor:
    highest = values.flatten(1).amax(1)
    return values / torch.where(highest > 0, highest, 1.0)[:, None, None]
