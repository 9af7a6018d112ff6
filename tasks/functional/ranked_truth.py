"""Do the elements of one kind rank first? AUROC, AUPRC and NDCG of many rows at once, ties counted fairly.

Sources: Hanley and McNeil (1982) for the area under the ROC curve; Davis and Goadrich (2006) for average
precision; Jaervelin and Kekaelaeinen (2002) for NDCG, with the mean discount of tied elements as McSherry and
Najork (2008) define it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.functional.hits import auc_inside


@dataclass(frozen=True)
class RankedTruth:
    """Rows of values, of which some elements are true, each float or bool [B, N].

    ``inside`` says which elements take part, and a true one lies inside. Rows without both kinds give NaN.
    """

    values: Tensor
    truth: Tensor
    inside: Tensor

    def auroc(self) -> Tensor:
        """Return float64 [B]: how often a true element ranks above another, equal ones half."""
        return self._judged(auc_inside(self.values, self.truth.bool(), self.inside))

    def auprc(self) -> Tensor:
        """Return float64 [B]: the mean over true elements of the precision down to each, ties included."""
        precision = self._not_below(self.truth) / self._not_below(self.inside)
        return self._judged(torch.where(self.truth, precision, 0.0).sum(1) / self.hits)

    def ndcg(self) -> Tensor:
        """Return float64 [B]: the discounted gain of the true elements over that of the best ranking."""
        total = self._discounts()
        down_to = self._not_below(self.inside)
        above = down_to - self._equal()
        each = (total[down_to.long()] - total[above.long()]) / (down_to - above).clamp(min=1)
        return self._judged(torch.where(self.truth, each, 0.0).sum(1) / total[self.hits.long()])

    def prevalence(self) -> Tensor:
        """Return float64 [B]: the share of true elements, the AUPRC of values that say nothing."""
        return self._judged(self.hits / self.count)

    def chance_ndcg(self) -> Tensor:
        """Return float64 [B]: the mean NDCG of all orders."""
        total = self._discounts()
        return self._judged(self.prevalence() * total[self.count.long()] / total[self.hits.long()])

    @property
    def hits(self) -> Tensor:
        """Float64 [B]: the number of true elements."""
        return self.truth.sum(1).double()

    @property
    def count(self) -> Tensor:
        """Float64 [B]: the number of elements that take part."""
        return self.inside.sum(1).double()

    @property
    def judged(self) -> Tensor:
        """Bool [B]: whether a row has both kinds."""
        return (self.hits > 0) & (self.hits < self.count)

    def _judged(self, scores: Tensor) -> Tensor:
        return torch.where(self.judged, scores, torch.nan)

    def _masked(self, chosen: Tensor) -> Tensor:
        return self.values.masked_fill(~chosen, -torch.inf)

    def _not_below(self, chosen: Tensor) -> Tensor:
        """Return float64 [B, N]: how many of the chosen elements have a value no lower than each element."""
        ordered = self._masked(chosen).sort(1).values
        below = torch.searchsorted(ordered, self.values.contiguous())
        return (self.values.shape[1] - below).double()

    def _equal(self) -> Tensor:
        """Return float64 [B, N]: how many elements that take part have the value of each element."""
        ordered = self._masked(self.inside).sort(1).values
        first = torch.searchsorted(ordered, self.values.contiguous())
        last = torch.searchsorted(ordered, self.values.contiguous(), right=True)
        return (last - first).double()

    def _discounts(self) -> Tensor:
        """Return float64 [N + 1]: the sums of the discounts of the first places."""
        places = torch.arange(2, self.values.shape[1] + 2, dtype=torch.float64, device=self.values.device)
        return torch.cat([places.new_zeros(1), (1 / places.log2()).cumsum(0)])
