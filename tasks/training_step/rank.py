"""Which part of every batch this process holds, where one training runs in several processes."""

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Rank:
    """This process is ``number`` (from 0) of ``count``, and holds that part of every batch.

    The parts are equal, and the whole batch is all parts in order. Every method but :meth:`of` waits for the
    other processes, which must call it too.
    """

    number: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process validates, writes and reports."""
        return self.number == 0

    def of(self, whole: Tensor) -> Tensor:
        """Return this process's rows of ``whole`` [count * B, ...]."""
        return whole if self.count == 1 else whole.chunk(self.count)[self.number]

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of ``values`` over the processes, detached, with the same bits in each process."""
        if self.count == 1:
            return values.detach()
        total = values.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total / self.count

    def collect(self, values: Tensor) -> Tensor:
        """Return float [count, ...]: the ``values`` of every process, in order of rank.

        It can be differentiated any number of times. Each gradient flows to the process that the value came
        from.
        """
        own = torch.arange(self.count, device=values.device) == self.number
        # Written as a sum to which the others add zeros, since the gradient of a sum is again a sum.
        rows = torch.where(own.view(-1, *[1] * values.ndim), values, torch.zeros_like(values))
        return rows if self.count == 1 else _sum(rows)


class _Sum(torch.autograd.Function):
    """The sum over all processes, in each of them. Torch's own version is deprecated."""

    @staticmethod
    def forward(_ctx: object, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_ctx: object, gradient: Tensor) -> Tensor:
        return _sum(gradient)


def _sum(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]  # torch
    return total


ALONE = Rank()
"""One process holds every batch as a whole."""
