"""What an evaluation plan asks of its evidence, whatever a sample is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tasks.evidence.block import Block
from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.sources import Rows
from tasks.samples.axes import MapKind


class Opened(Protocol):
    """Samples that are opened together: the tiles of one slide, or some bags."""

    @property
    def explained(self) -> Rows:
        """Row numbers of the samples that have attributions, in order."""
        ...

    def labelled_as_explained(self, rows: Rows) -> NDArray[np.bool_]:
        """Return bool [n]: whether the label of each sample is the class that is explained in it."""
        ...

    def sample_ids(self, rows: Rows) -> list[str]:
        """Return the ids of some samples. Which samples are drawn depends on them alone."""
        ...

    def units(self, rows: Rows) -> pd.DataFrame:
        """Return some samples with unit, unit_id, slide_id, patient_id, section and label, row by row."""
        ...

    def section_units(self, sections: tuple[int, ...]) -> pd.DataFrame:
        """Return one row per section with unit, unit_id, slide_id, patient_id, section and label."""
        ...


O = TypeVar("O", bound=Opened)  # noqa: E741  # what is opened


class EvidenceSource(Protocol[O]):
    """Everything that can be scored for one model, opened piece by piece."""

    @property
    def attributions(self) -> Mapping[str, Any]:
        """The attributions of each explainer, by its id."""
        ...

    @property
    def explainers(self) -> Mapping[str, ExplainerLike]:
        """The explainers that metrics may call, by id."""
        ...

    @property
    def classes(self) -> Sequence[str]:
        """The names of the classes, in the order of the logits."""
        ...

    @property
    def kinds(self) -> Mapping[str, MapKind]:
        """What the attributions of each explainer say, by its id, where it is stated."""
        ...

    def opened(self) -> Iterator[O]:
        """Open one piece after the other."""
        ...

    def pieces(self, opened: O, rows: Rows, most: int) -> Iterator[Rows]:
        """Yield ``rows`` in order, at most ``most`` at a time and no more than fit into memory together."""
        ...

    def block(self, opened: O, rows: Rows, device: torch.device) -> Block:
        """Move some samples to the device."""
        ...
