"""Bags of one model, opened together: the evidence of scores of tiles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tasks.artifacts.tile_set import Mark
from tasks.evidence.bag_block import BagBlock
from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.sources import EvidenceError, Rows
from tasks.functional.tile_keys import tile_keys
from tasks.samples.axes import MapKind
from tasks.samples.inputs import Bags

MOST_TILES = 1 << 15
"""Tiles, with padding, that are on the device at once; a bag of more is alone."""


@dataclass(frozen=True)
class BagEvidence:
    """The bags of one model with the scores of their tiles.

    Sequences may read an item when it is taken (:mod:`tasks.evidence.read_when_taken`): features, scores and
    all else are taken once for each block.

    Attributes:
        features: per bag float [N, D]; memory-mapped arrays are read block by block.
        table: one row per bag with slide_id, patient_id and label.
        attributions: per explainer and bag the scores [N] of its tiles, raw and signed.
        classes: the names of the classes, in the order of the logits.
        target: the explained class.
        explainers: those that metrics may call.
        errors: per explainer its completeness errors, float64 [B].
        kinds: per explainer what its scores say.
        about: per bag :data:`tasks.samples.inputs.ABOUT` of its tiles, float [N, 4]; empty where not known.
        tile_classes: per bag the class of each tile, int64 [N], -1 where it is not known; empty likewise.
        marks: per mark and bag the fraction of each tile that it covers, float [N].
        tile_ids: per bag the ids of its tiles. Where they are given, ties are broken by them, so the order of
            tiles changes nothing.
        counts: per bag its number of tiles; where left out, all features are looked at to find it.
    """

    features: Sequence[NDArray[np.float32]]
    table: pd.DataFrame
    attributions: Mapping[str, Sequence[NDArray[np.floating]]]
    classes: Sequence[str]
    target: int
    explainers: Mapping[str, ExplainerLike] = field(default_factory=dict)
    errors: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    kinds: Mapping[str, MapKind] = field(default_factory=dict)
    about: Sequence[NDArray[np.float32]] = ()
    tile_classes: Sequence[NDArray[np.int64]] = ()
    marks: Mapping[Mark, Sequence[NDArray[np.float32]]] = field(default_factory=dict)
    tile_ids: Sequence[Sequence[str]] = ()
    counts: Sequence[int] = ()

    def __post_init__(self) -> None:
        for name, scores in self.attributions.items():
            if len(scores) != len(self.features):
                raise EvidenceError(
                    f"the scores of {name!r} are of {len(scores)} bags; needed {len(self.features)}"
                )
            if not self.counts and [len(each) for each in scores] != list(self.sizes):
                raise _not_one_per_tile(name)

    @cached_property
    def sizes(self) -> Sequence[int]:
        """The number of tiles of each bag."""
        return self.counts or [len(bag) for bag in self.features]

    def opened(self) -> Iterator["BagEvidence"]:
        """Open all bags: none is read before its block."""
        yield self

    @property
    def explained(self) -> Rows:
        """Row numbers of the bags; empty bags have nothing to explain."""
        return np.flatnonzero(np.asarray(self.sizes) > 0)

    def labelled_as_explained(self, rows: Rows) -> NDArray[np.bool_]:
        """Return bool [n]: whether the label of each slide is the class that is explained."""
        return np.asarray(self.table["label"].to_numpy()[rows] == self.classes[self.target], dtype=np.bool_)

    def sample_ids(self, rows: Rows) -> list[str]:
        """Return the ids of some slides."""
        return [str(name) for name in self.table["slide_id"].iloc[rows]]

    def units(self, rows: Rows) -> pd.DataFrame:
        """Return one row per slide with unit, unit_id, slide_id, patient_id, section and label."""
        table = self.table.iloc[rows]
        return table.assign(unit="slide", unit_id=table["slide_id"], section=0)

    def section_units(self, sections: tuple[int, ...]) -> pd.DataFrame:
        """Refuse: a bag has no sections.

        Raises:
            EvidenceError: always.
        """
        raise EvidenceError(f"bags have no sections to score, got {len(sections)}")

    def pieces(self, opened: "BagEvidence", rows: Rows, most: int) -> Iterator[Rows]:
        """Yield ``rows`` in order: at most ``most`` bags, and no more tiles than :data:`MOST_TILES`."""
        start, longest = 0, 0
        for end, row in enumerate(rows):
            longest = max(longest, opened.sizes[row])
            if end > start and (end - start == most or (end - start + 1) * longest > MOST_TILES):
                yield rows[start:end]
                start, longest = end, opened.sizes[row]
        if len(rows):
            yield rows[start:]

    def block(self, opened: "BagEvidence", rows: Rows, device: torch.device) -> BagBlock:
        """Move some bags to the device, padded to the longest of them.

        Raises:
            EvidenceError: the scores of an explainer are not one per tile.
        """
        sizes = torch.tensor([opened.sizes[row] for row in rows], device=device)
        features = _padded([opened.features[row] for row in rows], device)
        mask = torch.arange(features.shape[1], device=device) < sizes[:, None]
        return BagBlock(
            rows=rows,
            bags=Bags(features, mask, _known(opened.about, rows, device)),
            targets=torch.full((len(rows),), opened.target, dtype=torch.int64, device=device),
            keys=tile_keys(opened.sample_ids(rows)).to(device),
            scores={name: _scores(opened, name, rows, device) for name in opened.attributions},
            errors={name: torch.from_numpy(all_[rows]).to(device) for name, all_ in opened.errors.items()},
            marks={
                mark: _padded([covered[row] for row in rows], device, fill=float("nan"))
                for mark, covered in opened.marks.items()
            },
            tile_classes=_whole_numbers(opened.tile_classes, rows, device, -1),
            ids=tuple(opened.tile_ids[row] for row in rows) if opened.tile_ids else None,
        )


def _scores(evidence: BagEvidence, name: str, rows: Rows, device: torch.device) -> Tensor:
    found = [evidence.attributions[name][row] for row in rows]
    if [len(scores) for scores in found] != [evidence.sizes[row] for row in rows]:
        raise _not_one_per_tile(name)
    return _padded(found, device)


def _not_one_per_tile(name: str) -> EvidenceError:
    return EvidenceError(f"the scores of {name!r} are not one per tile of each bag")


def _known(about: Sequence[NDArray[np.float32]], rows: Rows, device: torch.device) -> Tensor | None:
    return _padded([about[row] for row in rows], device, fill=float("nan")) if about else None


def _whole_numbers(
    arrays: Sequence[NDArray[np.int64]], rows: Rows, device: torch.device, fill: int
) -> Tensor | None:
    """Return int64 [B, N]; None where there are none."""
    if not arrays:
        return None
    tensors = [torch.from_numpy(np.require(arrays[row], np.int64, "W")) for row in rows]
    padded: Tensor = pad_sequence(tensors, batch_first=True, padding_value=fill)
    return padded.to(device)


def _padded(arrays: Sequence[NDArray[np.floating]], device: torch.device, fill: float = 0.0) -> Tensor:
    """Return float32 [B, N, ...] with ``fill`` behind the shorter ones."""
    tensors = [torch.from_numpy(np.require(array, np.float32, "W")) for array in arrays]
    padded: Tensor = pad_sequence(tensors, batch_first=True, padding_value=fill)
    return padded.to(device)
