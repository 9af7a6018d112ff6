"""Bags of one model, opened together: the evidence of scores of tiles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class BagEvidence:
    """The bags of one model with the scores of their tiles.

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

    def __post_init__(self) -> None:
        sizes = [len(bag) for bag in self.features]
        for name, scores in self.attributions.items():
            if [len(each) for each in scores] != sizes:
                raise EvidenceError(f"the scores of {name!r} are not one per tile of each bag")

    def opened(self) -> Iterator["BagEvidence"]:
        """Open all bags: none is read before its block."""
        yield self

    @property
    def explained(self) -> Rows:
        """Row numbers of the bags; empty bags have nothing to explain."""
        return np.flatnonzero([len(bag) > 0 for bag in self.features])

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

    def block(self, opened: "BagEvidence", rows: Rows, device: torch.device) -> BagBlock:
        """Move some bags to the device, padded to the longest of them."""
        sizes = torch.tensor([len(opened.features[row]) for row in rows], device=device)
        features = _padded([opened.features[row] for row in rows], device)
        mask = torch.arange(features.shape[1], device=device) < sizes[:, None]
        return BagBlock(
            rows=rows,
            bags=Bags(features, mask, self._about(opened, rows, device)),
            targets=torch.full((len(rows),), opened.target, dtype=torch.int64, device=device),
            keys=tile_keys(opened.sample_ids(rows)).to(device),
            scores={
                name: _padded([scores[row] for row in rows], device)
                for name, scores in opened.attributions.items()
            },
            errors={name: torch.from_numpy(all_[rows]).to(device) for name, all_ in opened.errors.items()},
            tile_classes=self._tile_classes(opened, rows, device),
            marks={
                mark: _padded([covered[row] for row in rows], device, fill=float("nan"))
                for mark, covered in opened.marks.items()
            },
        )

    def _about(self, opened: "BagEvidence", rows: Rows, device: torch.device) -> Tensor | None:
        if not opened.about:
            return None
        return _padded([opened.about[row] for row in rows], device, fill=float("nan"))

    def _tile_classes(self, opened: "BagEvidence", rows: Rows, device: torch.device) -> Tensor | None:
        if not opened.tile_classes:
            return None
        tensors = [torch.from_numpy(opened.tile_classes[row]) for row in rows]
        padded: Tensor = pad_sequence(tensors, batch_first=True, padding_value=-1)
        return padded.to(device)


def _padded(arrays: Sequence[NDArray[np.floating]], device: torch.device, fill: float = 0.0) -> Tensor:
    """Return float32 [B, N, ...] with ``fill`` behind the shorter ones."""
    tensors = [torch.from_numpy(np.asarray(array, dtype=np.float32)) for array in arrays]
    padded: Tensor = pad_sequence(tensors, batch_first=True, padding_value=fill)
    return padded.to(device)
