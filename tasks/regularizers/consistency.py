"""Consistency training: an adversarial image shall give the features that the clean image gives.

Dong, Su, Zhu and Bao (2017), arXiv:1708.05493, and Dong, Bao, Su and Zhu (2019), arXiv:1901.09035:
adversarial training with a loss that ties the last convolutional features of the two images. The structure
of the loss is theirs; the weights, and the distance that no shrinking of the features can lower, are
reconstructed.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from tasks.functional.attack import Gain
from tasks.functional.cosine import cosine_distance
from tasks.functional.odds import log_odds
from tasks.regularizers._attack import ascend
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, Regularizer, State, TrainingPasses
from tasks.training_step.network import Pass
from tasks.training_step.step import Step


class Consistency(Regularizer):
    """Minimise a CE(x) + (1 - a) CE(x*) + b d(x, x*), where a is ``mix`` and b ``feature_weight``.

    d is the squared distance of the last convolutional maps of the clean image x and the adversarial image
    x*, each flattened and scaled to unit length: 2 (1 - cos). Shrinking the features gains nothing, and
    features that are all zero count 2, the most that rectified ones can.

    x* is made in eval mode, starting at x: it needs no random start, as the gradient of a class's odds does
    not vanish there. From ``warmup`` on, 1 - a and b grow over ``ramp``. The note ``perturbation`` is the
    mean magnitude of x* - x over pixels and channels, in pixel units.

    The logged part ``adversarial`` is (1 - a) CE(x*). Training against a single step can suddenly break
    down (Wong et al. 2020, arXiv:2001.03994): that part falls towards 0 within an epoch, while images
    attacked in several steps are all misread. To check for it, use :func:`tasks.regularizers._attack.ascend`
    from a random start with ten steps or more, or an arm with ``attack: least_likely``.
    """

    source: ClassVar[str] = (
        "Dong et al. (2017), arXiv:1708.05493, and Dong et al. (2019), arXiv:1901.09035; the weights, the "
        "schedule and the scale-free feature distance are reconstructed"
    )
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (
        ManipulationCheck("attack_response", "feature_distance", "lower"),
        ManipulationCheck("attack_response", "kl", "lower"),
    )

    attack: Literal["fgsm", "least_likely"] = "fgsm"
    """``fgsm``: one signed step of the whole ``eps``. ``least_likely``: ``steps`` steps towards the class
    that is least likely in the clean prediction."""

    target: Literal["predicted", "random"] = "predicted"
    """What ``fgsm`` moves: away from the predicted class, or towards a random other class (with two classes
    the same). Never the label: a single step away from it writes the label into the image."""

    eps: float = Field(default=4 / 255, gt=0, le=1)
    """Most that a pixel may change, in units of [0, 1]."""

    steps: int = Field(default=3, ge=1)
    """Steps of ``least_likely``; ``fgsm`` makes one."""

    mix: float = Field(default=0.5, ge=0, lt=1)
    """The fraction a of the clean cross-entropy."""

    feature_weight: float = Field(default=0.5, ge=0)
    """The weight b of the feature distance; 0 is the control, adversarial training without it."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training before the method sets in."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which it then grows linearly."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if self.attack == "least_likely" and self.target != "predicted":
            raise ValueError(f"target {self.target!r} is for attack 'fgsm'; 'least_likely' names its own")
        return self

    def active_checks(self) -> tuple[ManipulationCheck, ...]:
        """Return the check of the features if they have a weight, else that of the prediction."""
        return self.checks[:1] if self.feature_weight > 0 else self.checks[1:]

    def passes(self) -> TrainingPasses:
        """Return the passes of the attack and those of the training on what it made."""
        steps = self._attack_steps
        return TrainingPasses(forward=steps + 1, input_backward=steps, full_backward=1)

    def sample_weights(self, step: Step, state: State) -> tuple[Tensor | None, State]:
        """Return the clean fraction a for every tile, or None before warm-up ends."""
        share = self._adversarial_share(step)
        return (None if share == 0 else torch.full_like(step.cross_entropy, 1 - share)), state

    def loss_terms(self, step: Step, state: State) -> tuple[Mapping[str, Tensor], State]:
        """Return the cross-entropy of the adversarial images and the feature distance, weighted."""
        share = self._adversarial_share(step)
        if share == 0:
            return {}, state
        images = self._adversarial(step)
        step.note("perturbation", (images - step.images).abs().mean())
        adversarial = step.forward(images)
        terms = {"adversarial": share * _cross_entropy(step, adversarial)}
        if self.feature_weight > 0:
            distance = 2 * cosine_distance(step.features, adversarial.features).mean()
            terms["features"] = self.feature_weight * self._rise(step) * distance
        return terms, state

    @property
    def _attack_steps(self) -> int:
        return 1 if self.attack == "fgsm" else self.steps

    def _rise(self, step: Step) -> float:
        return ramp(step.progress, self.warmup, self.ramp)

    def _adversarial_share(self, step: Step) -> float:
        return (1 - self.mix) * self._rise(step)

    def _adversarial(self, step: Step) -> Tensor:
        budget = torch.full_like(step.images[:, :1], self.eps)
        return ascend(step, step.images, budget, self._attack_steps, self._gain(step))

    def _gain(self, step: Step) -> Gain:
        chosen: list[Tensor] = []

        def gain(logits: Tensor) -> Tensor:
            # The attack starts at the clean images, so what it sees first is the clean prediction.
            if not chosen:
                chosen.append(self._choose(step, logits.detach()))
            odds = log_odds(logits, chosen[0])
            return -odds if self._flees else odds

        return gain

    @property
    def _flees(self) -> bool:
        return self.attack == "fgsm" and self.target == "predicted"

    def _choose(self, step: Step, logits: Tensor) -> Tensor:
        """Return the class [B] that the attack flees or seeks, by the clean logits [B, K]."""
        if self.attack == "least_likely":
            return logits.argmin(1)
        predicted = logits.argmax(1)
        if self._flees:
            return predicted
        classes = logits.shape[1]
        further = 1 + (step.uniform(like=logits[:, 0]) * (classes - 1)).long()
        return (predicted + further) % classes


def _cross_entropy(step: Step, images: Pass) -> Tensor:
    return (step.tile_weights * F.cross_entropy(images.logits, step.labels, reduction="none")).mean()
