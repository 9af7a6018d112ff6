"""The base of all regularizers: changes of training that aim at better explanations of the result.

A new one is one file in this folder. It overrides the hooks it needs; the others leave training as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from tasks.plugins import Plugin
from tasks.samples.axes import Input
from tasks.training_step.step import Finish, Step

State = Mapping[str, Tensor]
"""The state of a regularizer between steps: empty at first, never changed in place, saved with the
training."""


@dataclass(frozen=True)
class TrainingPasses:
    """Passes of one batch through the network in one step, by kind.

    ``forward``: forward alone. ``input_backward``: back to the images, no weight gradient and no graph kept.
    ``full_backward``: back to the weights. ``double_backward``: back to the images with the graph kept, and
    the extra way through it that this puts into the full backward pass.
    """

    forward: float = 0
    input_backward: float = 0
    full_backward: float = 0
    double_backward: float = 0

    def __add__(self, other: "TrainingPasses") -> "TrainingPasses":
        return TrainingPasses(
            self.forward + other.forward,
            self.input_backward + other.input_backward,
            self.full_backward + other.full_backward,
            self.double_backward + other.double_backward,
        )


STANDARD = TrainingPasses(forward=1, full_backward=1)
"""A step of standard training, part of every arm."""

CACHED_PASSES: Mapping[str, TrainingPasses] = {
    "clean_logits": TrainingPasses(forward=1),
    "saliency": TrainingPasses(input_backward=1),
    "loss_gradient": TrainingPasses(double_backward=1),
    "input_graph": TrainingPasses(),
    "pre_activations": TrainingPasses(),
}
"""The cost of each cached value of a step, paid once for all regularizers that use it.

``input_graph`` lets any output of the main pass be differentiated by ``step.inputs``; ``pre_activations``
keeps the values before each stage's last ReLU. Further work with them is the regularizer's own cost.
"""


@dataclass(frozen=True)
class ManipulationCheck:
    """What a method moves if it takes: a score of a model metric, and the direction it moves it in.

    A method whose own quantity did not move was not applied strongly enough. A claim about it is then not
    tested, whatever the maps look like.

    Attributes:
        metric: the name of a model metric, which measures it with its default settings.
        score: one of that metric's scores.
        direction: where the score of a treated network lies beside that of standard training.
    """

    metric: str
    score: str
    direction: Literal["higher", "lower"]

    def __str__(self) -> str:
        return f"{self.metric}.{self.score}"


class Regularizer(Plugin):
    """A frozen set of hyper-parameters with four hooks; each is the identity unless overridden.

    In one step the loop calls ``inputs`` of all regularizers in the order of the config, makes the main
    forward pass, then calls ``sample_weights`` and ``loss_terms`` of all. ``step`` carries what they have in
    common.

    Example:
        One method adds a term to the loss of a step; what it costs is known before:

        >>> import torch
        >>> from tasks.models.classifier import build_classifier
        >>> from tasks.models.recipe import NetworkRecipe
        >>> from tasks.regularizers.input_gradient import InputGradient
        >>> from tasks.training_step.step import Batch
        >>> model = build_classifier(NetworkRecipe(width=0.125), 2, (0.7,) * 3, (0.2,) * 3, seed=0)
        >>> batch = Batch(torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 0, 1]), torch.arange(4), 4)
        >>> method = InputGradient()
        >>> step = Step(model, batch, epoch=1, progress=1.0, cached=method.cached_values())
        >>> step.settled = True  # no regularizer changes the input
        >>> terms, state = method.loss_terms(step, {})
        >>> {name: bool(term > 0) for name, term in terms.items()}
        {'norm': True}
        >>> step_passes((method,))
        TrainingPasses(forward=1, input_backward=0, full_backward=1, double_backward=1)
    """

    package: ClassVar[str] = "tasks.regularizers"

    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels"})
    """The inputs that it can regularize."""

    uses: ClassVar[frozenset[str]] = frozenset()
    """Cached values of a step that it uses: keys of :data:`CACHED_PASSES`."""

    checks: ClassVar[tuple[ManipulationCheck, ...]] = ()
    """What its treatment moves, under any of its settings. Empty only with a reason in ``no_check``."""

    no_check: ClassVar[str] = ""
    """Why nothing can be measured of which it is known that the method moves it."""

    def active_checks(self) -> tuple[ManipulationCheck, ...]:
        """Return the checks of this recipe: ``checks``, or fewer where an option decides what moves."""
        return self.checks

    def cached_values(self) -> frozenset[str]:
        """Return the cached values that this recipe uses: ``uses``, or fewer where an option needs fewer."""
        return self.uses

    def passes(self) -> TrainingPasses:
        """Return the cost of a step after warm-up, without standard training and the cached values."""
        return TrainingPasses()

    def inputs(self, step: Step, state: State) -> tuple[Tensor, State]:
        """Return the training input [B, 3, H, W] in place of ``step.inputs``."""
        return step.inputs, state

    def sample_weights(self, step: Step, state: State) -> tuple[Tensor | None, State]:
        """Return factors [B] on the tiles' cross-entropy, or None for one each."""
        return None, state

    def loss_terms(self, step: Step, state: State) -> tuple[Mapping[str, Tensor], State]:
        """Return named scalars, already weighted, that are added to the cross-entropy."""
        return {}, state

    def after_training(self, finish: Finish, state: State) -> None:
        """Finish the weights for use. The model arrives in eval mode and stays in it.

        Called at the end of every epoch, since any epoch may be chosen. Training then continues with the
        weights from before.
        """

    @property
    def acts_after_training(self) -> bool:
        """Whether :meth:`after_training` does anything."""
        return type(self).after_training is not Regularizer.after_training


def step_passes(regularizers: tuple[Regularizer, ...]) -> TrainingPasses:
    """Return the passes of one step of an arm, with each cached value counted once."""
    shared = {name for regularizer in regularizers for name in regularizer.cached_values()}
    if "saliency" in shared:
        shared.add("clean_logits")
    total = STANDARD
    for name in sorted(shared):
        total += CACHED_PASSES[name]
    for regularizer in regularizers:
        total += regularizer.passes()
    return total
