"""The evaluated slides of one checkpoint, opened one by one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.sources import EvidenceError, MapSource, Rows, TileSource
from tasks.evidence.tile_block import TileBlock
from tasks.functional.pixels import spans
from tasks.samples.axes import MapKind


@dataclass(frozen=True)
class Evidence:
    """The evaluated slides of one checkpoint with the maps of each explainer.

    ``attributions`` maps an explainer id to one PixelMaps for each tile set, in the same order.
    ``target`` is the class explained in every tile, or one int64 [N] per tile set with a class per tile.
    ``explainers`` holds those that made the maps, for metrics that explain changed images. ``kinds`` says of
    each explainer what the values of its maps say; metrics that must know refuse one that is not stated.
    """

    tile_sets: Sequence[TileSource]
    attributions: Mapping[str, Sequence[MapSource]]
    classes: Sequence[str]
    target: int | Sequence[NDArray[np.int64]]
    explainers: Mapping[str, ExplainerLike] = field(default_factory=dict)
    kinds: Mapping[str, MapKind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        each = [self.target] if isinstance(self.target, int) else np.concatenate(self.target).tolist()
        strange = next((target for target in each if not 0 <= target < len(self.classes)), None)
        if strange is not None:
            raise EvidenceError(
                f"target {strange} is none of the {len(self.classes)} classes, counted from 0"
            )
        for name, sets in self.attributions.items():
            if len(sets) != len(self.tile_sets):
                raise EvidenceError(
                    f"explainer {name!r} comes with maps of {len(sets)} slides; needed {len(self.tile_sets)}"
                )

    def opened(self) -> Iterator[SlideEvidence]:
        """Open one slide after the other."""
        return map(self.slide, range(len(self.tile_sets)))

    def pieces(self, opened: SlideEvidence, rows: Rows, most: int) -> Iterator[Rows]:
        """Yield ``rows`` in order, ``most`` at a time."""
        return (rows[span] for span in spans(len(rows), most))

    def block(self, opened: SlideEvidence, rows: Rows, device: torch.device) -> TileBlock:
        """Move some tiles of a slide to the device."""
        return TileBlock.of(opened, rows, device)

    def slide(self, number: int) -> SlideEvidence:
        """Open one slide."""
        target = self.target if isinstance(self.target, int) else self.target[number]
        return SlideEvidence(
            tiles=self.tile_sets[number],
            attributions={name: sets[number] for name, sets in self.attributions.items()},
            target=target,
            target_class=np.asarray(self.classes)[target],
        )
