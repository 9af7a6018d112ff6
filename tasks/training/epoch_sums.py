"""The figures of an epoch's steps, summed on the device, and the checks that end a training.

Several processes all read the same means, so they end together.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from tasks.training.errors import CollapsedError, DivergedError
from tasks.training_step.rank import ALONE, Rank

CHECK_EVERY = 50
"""Steps between two checks. On an accelerator a check waits for all pending work."""

NO_GRADIENT = 1e-12
"""Norm of the weight gradient below which it counts as zero."""

NO_LOSS = 1e-6
"""A loss below this may have no gradient: perfectly fitted tiles have none."""


def add_up(sums: dict[str, Tensor], figures: Mapping[str, Tensor]) -> None:
    """Add ``figures`` to ``sums``, name by name."""
    for name, figure in figures.items():
        sums[name] = sums[name] + figure if name in sums else figure


class EpochSums:
    """Sums over the steps of epoch ``epoch`` (from 1)."""

    def __init__(self, epoch: int, rank: Rank = ALONE) -> None:
        self.epoch = epoch
        self.rank = rank
        self.steps = 0
        self._parts: dict[str, Tensor] = {}
        self._notes: dict[str, Tensor] = {}
        self._norms = torch.zeros(())
        self._largest = torch.zeros(())

    def add(self, parts: Mapping[str, Tensor], notes: Mapping[str, Tensor], norm: Tensor) -> None:
        """Add a step's loss terms, its notes and the norm of its weight gradient, all scalars.

        Raises:
            DivergedError: a loss is not finite. Checked every :data:`CHECK_EVERY` steps.
            CollapsedError: a gradient is not finite.
        """
        add_up(self._parts, parts)
        add_up(self._notes, notes)
        self._norms = self._norms.to(norm) + norm
        self._largest = torch.maximum(self._largest.to(norm), norm)
        if self.steps % CHECK_EVERY == 0:
            self._check_finite()
        self.steps += 1

    def row(self, rate: float) -> dict[str, float]:
        """Return the means over the steps of the finished epoch, with loss terms where there are several.

        Raises:
            DivergedError: a loss is not finite.
            CollapsedError: a gradient is not finite, or all were zero while there was a loss.
        """
        self._check_finite()
        means, notes = self._means(self._parts), self._means(self._notes)
        parts = {f"loss_{name}": value for name, value in means.items()} if len(means) > 1 else {}
        loss = sum(means.values())
        self._check_gradient(loss)
        norm = float(self._norms) / self.steps
        return {"train_loss": loss, **parts, **notes, "learning_rate": rate, "gradient_norm": norm}

    def state(self) -> dict[str, Tensor]:
        """Return all sums of all processes, [count] each, from which :meth:`restore` goes on bit by bit."""
        named = {
            # Numbered, as the sum of the terms depends on their order.
            **{f"part/{i:03d}/{name}": value for i, (name, value) in enumerate(self._parts.items())},
            **{f"note/{i:03d}/{name}": value for i, (name, value) in enumerate(self._notes.items())},
            "norms": self._norms,
            "largest": self._largest,
        }
        return {name: self.rank.collect(value.detach()) for name, value in named.items()}

    def restore(self, steps: int, state: Mapping[str, Tensor]) -> None:
        """Put back the ``state`` after so many steps."""
        own = {name: values[self.rank.number] for name, values in sorted(state.items())}
        self.steps, self._norms, self._largest = steps, own.pop("norms"), own.pop("largest")
        for key, value in own.items():
            kind, _, name = key.split("/", 2)
            (self._parts if kind == "part" else self._notes)[name] = value

    def _means(self, sums: Mapping[str, Tensor]) -> dict[str, float]:
        return {name: value / self.steps for name, value in self._read(sums).items()}

    def _read(self, sums: Mapping[str, Tensor]) -> dict[str, float]:
        return {name: float(self.rank.mean(total)) for name, total in sums.items()}

    def _check_finite(self) -> None:
        for name, value in self._read(self._parts).items():
            if not math.isfinite(value):
                raise DivergedError(self.epoch, name, value)
        if not math.isfinite(norm := float(self._norms)):
            raise CollapsedError(
                self.epoch,
                f"gradients collapsed in epoch {self.epoch}: their norm is {norm}; needed a finite number",
            )

    def _check_gradient(self, loss: float) -> None:
        # A warm-up does not look like a collapse, since this is the norm of the gradient and not of the
        # update.
        largest = float(self._largest)
        if largest < NO_GRADIENT and abs(loss) > NO_LOSS:
            raise CollapsedError(
                self.epoch,
                f"gradients collapsed in epoch {self.epoch}: their norm was at most {largest:.3g} in all "
                f"{self.steps} steps, with a loss of {loss:.3g}; needed {NO_GRADIENT:g}",
            )
