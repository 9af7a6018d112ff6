"""What a metric sees of some samples on the device, whatever a sample is."""

from collections.abc import Hashable
from typing import Protocol

from torch import Tensor

from tasks.evidence.sources import Rows
from tasks.samples.inputs import Inputs


class Block(Protocol):
    """B samples on the device, few enough for one forward pass, each with E elements.

    An element is an index from 0 to E - 1. Metrics that rank, remove or sum elements use nothing but this
    protocol. Samples with fewer elements than others are padded, and ``elements`` says which exist.
    """

    @property
    def rows(self) -> Rows:
        """Row numbers of the samples in their source."""
        ...

    @property
    def inputs(self) -> Inputs:
        """What the model is asked about the unchanged samples."""
        ...

    @property
    def targets(self) -> Tensor:
        """int64 [B], the explained classes."""
        ...

    @property
    def keys(self) -> Tensor:
        """int64 [B], the only source of randomness per sample."""
        ...

    @property
    def element_count(self) -> int:
        """E."""
        ...

    @property
    def elements(self) -> Tensor | None:
        """Bool [B, E], True for elements that exist; None where all do."""
        ...

    @property
    def kept(self) -> dict[Hashable, Tensor]:
        """Results computed from the samples alone, by name; they live as long as the block."""
        ...

    def attributions(self, explainer_id: str) -> Tensor:
        """Return float32 [B, ...] with E values per sample: maps [B, H, W] or scores of tiles [B, N]."""
        ...

    def completeness_errors(self, explainer_id: str) -> Tensor:
        """Return float64 [B]; NaN where the explainer names no reference."""
        ...

    def halo_sums(self, explainer_id: str) -> Tensor:
        """Return float64 [B]: what was cut off from each attribution sums to; 0 where nothing was."""
        ...
