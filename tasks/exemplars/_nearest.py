"""An exact search for the nearest candidates, which are processed in blocks and not kept."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.functional.pixels import spans

_QUERIES = 4096
"""Queries compared with a block at once."""
_DECIMALS = 12
"""Cosines within this are a tie: equal features may differ in the last bit by their position."""


@dataclass(frozen=True)
class Described:
    """N tiles: features [N, D], and who they are: slides and patients int64 [N]; all on one device."""

    features: Tensor
    slides: Tensor
    patients: Tensor


class NearestSearch:
    """The ``count`` candidates of the highest cosine for each query, none of its slide or patient.

    Ties go to the earlier candidate. Features of zero have cosine 0 with all. Besides the queries it holds
    [Q, count] results and one block of cosines, however many candidates there are.

    Attributes:
        rows: int64 [Q, count], candidate numbers, the nearest first; -1 where there are too few candidates.
        admitted: int64 [Q, K], how many candidates of each class were of another slide and patient.
    """

    def __init__(self, queries: Described, count: int, classes: int) -> None:
        self._queries = queries
        self._units = _unit(queries.features)
        self._seen = 0
        shape, device = (len(queries.features), count), queries.features.device
        self._best = torch.full(shape, -torch.inf, dtype=torch.float64, device=device)
        self.rows = torch.full(shape, -1, dtype=torch.int64, device=device)
        self.admitted = torch.zeros(len(queries.features), classes, dtype=torch.int64, device=device)

    @property
    def cosines(self) -> Tensor:
        """Float64 [Q, count], the nearest first, NaN where there is no candidate."""
        return torch.where(self.rows < 0, torch.nan, self._best)

    def add(self, candidates: Described, classes: Tensor) -> None:
        """Compare every query with a block of candidates and their classes, int64 [B]."""
        units = _unit(candidates.features)
        places = torch.arange(self._seen, self._seen + len(units), device=units.device)
        for span in spans(len(self._units), _QUERIES):
            barred = self._barred(span, candidates)
            cosines = (self._units[span] @ units.T).mul_(10**_DECIMALS).round_().div_(10**_DECIMALS)
            self._keep(span, cosines.masked_fill_(barred, -torch.inf), places)
            for number in range(self.admitted.shape[1]):
                self.admitted[span, number] += (~barred & (classes == number)).sum(1)
        self._seen += len(units)

    def _barred(self, span: slice, candidates: Described) -> Tensor:
        same_slide = self._queries.slides[span, None] == candidates.slides
        return same_slide | (self._queries.patients[span, None] == candidates.patients)

    def _keep(self, span: slice, cosines: Tensor, places: Tensor) -> None:
        # Earlier candidates come first, and the sort is stable, so ties go to the earlier one.
        count = self.rows.shape[1]
        values = torch.cat([self._best[span], cosines], dim=1)
        names = torch.cat([self.rows[span], places.expand(len(cosines), -1)], dim=1)
        values, order = values.sort(dim=1, descending=True, stable=True)
        names = names.gather(1, order[:, :count])
        self._best[span] = values[:, :count]
        self.rows[span] = names.masked_fill_(values[:, :count] == -torch.inf, -1)


def _unit(features: Tensor) -> Tensor:
    """Return float64 [N, D] of unit length, zeros for features of zero.

    Double precision: the features of a network that has collapsed differ in the seventh digit of a cosine.
    """
    wide = features.double()
    length = wide.norm(dim=1, keepdim=True)
    return wide / torch.where(length == 0, 1, length)
