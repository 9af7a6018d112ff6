"""The loss of one step of an arm: weighted cross-entropy and what the regularizers add."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.regularizers.base import Regularizer, State
from tasks.training_step.step import Step


@dataclass
class Arm:
    """The regularizers of an arm during training, each with its random stream and its state."""

    regularizers: tuple[Regularizer, ...]
    generators: Sequence[torch.Generator]
    states: list[State]

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each regularizer, numbered where one is used twice; ids change no number."""
        counts = Counter(regularizer.name for regularizer in self.regularizers)
        names = [regularizer.name for regularizer in self.regularizers]
        return tuple(f"{n}{names[:i].count(n) + 1}" if counts[n] > 1 else n for i, n in enumerate(names))

    @property
    def cached(self) -> frozenset[str]:
        """The cached values of a step that they use."""
        return frozenset().union(*(regularizer.cached_values() for regularizer in self.regularizers))


def objective(step: Step, arm: Arm, class_weights: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Return the loss of a step and its parts, detached; the arm's states move on.

    The cross-entropy of a tile is weighted by its class (``class_weights`` [K]) and by every regularizer's
    factor, then averaged over the batch.
    """
    step.class_weights = class_weights
    _settle_inputs(step, arm)
    weights = step.tile_weights * _sample_weights(step, arm)
    parts = {"cross_entropy": (weights * step.cross_entropy).mean(), **_loss_terms(step, arm)}
    loss = sum(parts.values(), start=torch.zeros((), device=weights.device))
    return loss, {name: part.detach() for name, part in parts.items()}


def _turn(step: Step, arm: Arm, index: int) -> None:
    """Give the step the random stream and the label of one regularizer."""
    step.generator, step.asked = arm.generators[index], arm.labels[index]


def _settle_inputs(step: Step, arm: Arm) -> None:
    for index, regularizer in enumerate(arm.regularizers):
        _turn(step, arm, index)
        step.inputs, arm.states[index] = regularizer.inputs(step, arm.states[index])
    step.settled = True


def _sample_weights(step: Step, arm: Arm) -> Tensor:
    total = torch.ones_like(step.labels, dtype=torch.float32)
    for index, regularizer in enumerate(arm.regularizers):
        _turn(step, arm, index)
        factor, arm.states[index] = regularizer.sample_weights(step, arm.states[index])
        total = total if factor is None else total * factor
    return total


def _loss_terms(step: Step, arm: Arm) -> dict[str, Tensor]:
    parts: dict[str, Tensor] = {}
    for index, regularizer in enumerate(arm.regularizers):
        _turn(step, arm, index)
        terms, arm.states[index] = regularizer.loss_terms(step, arm.states[index])
        parts.update({f"{arm.labels[index]}.{name}": term for name, term in terms.items()})
    return parts
