"""The drop of the output when pixels go, and the drop that a map predicts."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.block import Block
from tasks.evidence.fill_pixels import FillPixels
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness._following import FollowingMetric
from tasks.faithfulness._outputs import Output, outputs, rounding_of
from tasks.faithfulness._removal import CLEAN
from tasks.faithfulness.base import KIND, Answers, ByKind, Need, ProbeKey
from tasks.functional.fills import Fill
from tasks.samples.axes import Removal

Reading = Literal["kind", "magnitude", "contribution", "sensitivity"]

UNMOVED = "the output is the same whatever is removed"
INDIFFERENT = "the map gives the same sum whatever is removed"

_SIGNS = {
    "kind": "contributions are summed signed, and of sensitivities the magnitudes, without their sign",
    "magnitude": "magnitudes are summed: the sign is dropped",
    "contribution": "signed values are summed, as what the removed pixels add to the output",
    "sensitivity": "signed values times the change of their pixels are summed: the sign of both counts",
}


@dataclass(frozen=True)
class Traced:
    """Outputs float64 of n tiles: ``whole`` [n], and ``changed`` [S, n] at each step of a probe.

    ``rounding`` [n] is the difference below which two outputs count as equal.
    """

    whole: Tensor
    changed: Tensor
    rounding: Tensor

    @property
    def drops(self) -> Tensor:
        """[S, n]."""
        return self.whole - self.changed

    @property
    def unmoved(self) -> Tensor:
        """Bool [n]: the output is the same at every step."""
        return alike(self.changed, self.rounding)


class DropMetric(FollowingMetric):
    """Removes pixels, all channels at once, and measures the drop of the output of a class."""

    needs: ClassVar[frozenset[Need]] = frozenset({"forward"})
    removal: ClassVar[Removal | None] = "fill_pixels"

    fill: Fill = "white"
    output: Output = "margin"
    """The output whose drop counts. A probability near 0 or 1 hardly moves, so the margin is the default."""
    blur_px: float = Field(default=8.0, gt=0)
    """Standard deviation of the ``blur`` fill in tile pixels; without effect on the other fills."""

    @property
    def remover(self) -> FillPixels:
        """How pixels go."""
        return FillPixels(self.fill, self.blur_px)

    def traced(self, block: Block, answers: Answers, key: ProbeKey) -> Traced:
        """Return the output of the whole tiles and at each step of a probe."""
        logits = torch.cat([answers[CLEAN], answers[key]])
        traced = outputs(logits, self.followed_classes(block, answers))[self.output]
        rounding = rounding_of(logits, traced, self.output)
        return Traced(whole=traced[:, 0], changed=traced[:, 1:].T, rounding=rounding)


class ReadingMetric(DropMetric):
    """Compares each drop with a sum over the removed pixels of the map, read in one of three ways.

    ``contribution``: a value is what its pixel adds to the output, so the sum is the drop that the map
    predicts. ``sensitivity``: a value is a slope, so it is multiplied by image minus fill, averaged over the
    channels. This predicts the drop of a linear network where the channels change equally or have equal
    slopes, since a map holds one value per pixel. ``magnitude``: the sum of magnitudes, which predicts no
    drop but may correlate with it. ``kind`` reads contributions as such and sensitivities by magnitude, since
    a gradient read as a contribution has the wrong sign wherever the image is darker than the fill.
    """

    by_kind: ClassVar[ByKind] = MappingProxyType(
        {"reads": {"sensitivity": "magnitude", "contribution": "contribution"}}
    )

    reads: Reading = "kind"

    @property
    def sign(self) -> str:
        """Follows ``reads``."""
        return _SIGNS[self.reads]

    @property
    def keeps_sign(self) -> bool:
        """Whether the sign of the map counts."""
        return self.reads in ("contribution", "sensitivity")

    def read(self, block: TileBlock, maps: Tensor, answers: Answers) -> Tensor:
        """Return float32 [n, H, W], the values that are summed over the removed pixels."""
        assert self.reads != KIND, "for_maps was not called"
        if self.reads == "magnitude":
            return maps.abs()
        maps = torch.where(self.turned(block, answers)[:, None, None], -maps, maps)
        if self.reads == "contribution":
            return maps
        return maps * (block.images - self.remover.without_all(block)).mean(1)


def alike(values: Tensor, tolerance: Tensor | float = 0.0) -> Tensor:
    """Return bool [n]: whether the S values of each column of [S, n] lie within ``tolerance`` ([n])."""
    return values.amax(0) - values.amin(0) <= tolerance


def correlation_infos(meaning: str) -> tuple[ScoreInfo, ...]:
    """Return a correlation with the drops, higher better."""
    return (
        ScoreInfo(name="correlation", direction="higher", lower_bound=-1.0, upper_bound=1.0, meaning=meaning),
    )
