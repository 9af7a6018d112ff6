"""Sensitivity of hidden activations: how far the pre-activations of every stage move when pixels do.

Moshe, Fidel, Bitton and Shabtai (2024), "Regularization of neural activation sensitivity", arXiv:2211.08686.
Only the abstract was available: the sensitivity of neurons to small changes of the input is penalised, and
its predecessor (arXiv:2009.11349) adds a penalty on the Jacobian of the output. All else is reconstructed:
the layers, the squared norm, its normalisation, both estimators and every default.
"""

import math
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from tasks.regularizers._scale import channel_scales
from tasks.regularizers._schedule import ramp
from tasks.regularizers.base import ManipulationCheck, Regularizer, State, TrainingPasses
from tasks.training_step.network import Pass
from tasks.training_step.step import Step


class ActivationSensitivity(Regularizer):
    """Add weight sum_l ||da_l/dx||^2 / (D_l scale_l^2) + output_weight ||df/dx||^2 / K, averaged over tiles.

    a_l are the D_l true values before the last ReLU of stage l, each channel relative to its running standard
    deviation scale_l, as otherwise the network would shrink them; f are the K logits, x is the training input
    in [0, 1], || || the Frobenius norm. Nothing is detached.

    ``jacobian`` draws v_l ~ N(0, I) and v_f uniform on the sphere of radius sqrt(K), one of each for a tile
    and step. They are independent with mean 0 and covariance I, so E ||sum_l c_l J_l^T v_l||^2 is
    sum_l c_l^2 ||J_l||^2: the squared norm of one joint gradient estimates all terms without bias, for one
    double backward pass.

    ``finite_difference`` takes n ||a_l(x + xi) - a_l(x)||^2 / ||xi||^2 for ||da_l/dx||^2, and so for f, with
    xi ~ N(0, sigma^2) not clipped and n the number of values of a tile: equal on average as sigma goes to 0,
    so the weights mean the same. It costs a second pass forward and back. In bfloat16 a sigma far below
    2/255 measures rounding.

    In train mode BatchNorm ties the tiles of a batch together, and both variants go through its statistics:
    a derivative is that of all the batch's values, and the noisy pass is normalised by the noisy batch.
    Effects of noise that are equal for all tiles, such as a higher contrast of a channel, therefore do not
    count.
    """

    source: ClassVar[str] = (
        "activation-sensitivity-style, after the abstract of Moshe et al. (2024), arXiv:2211.08686; formula, "
        "layers, scale and defaults are reconstructed; random projections: Hoffman et al. (2019), "
        "arXiv:1908.02729"
    )
    uses: ClassVar[frozenset[str]] = frozenset({"input_graph", "pre_activations"})
    checks: ClassVar[tuple[ManipulationCheck, ...]] = (
        ManipulationCheck("pixel_sensitivity", "activations", "lower"),
        ManipulationCheck("pixel_sensitivity", "logits", "lower"),
    )

    variant: Literal["jacobian", "finite_difference"] = "jacobian"
    """How the derivatives are estimated."""

    weight: float = Field(default=2e-5, ge=0)
    """Of the stages; 0 leaves them out at no cost. With the two defaults the terms were 0.047 and 0.026 where
    the cross-entropy was 0.74: a mean of four untrained ResNet-18 of half width, 32 H&E tiles of 64 px."""

    output_weight: float = Field(default=2e-4, ge=0)
    """Of the logits; 0 leaves them out at no cost. As ``jacobian`` with K times the weight."""

    sigma: float = Field(default=4 / 255, gt=0, le=1)
    """Of ``finite_difference``: standard deviation of the noise, for images in [0, 1]."""

    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of training without the term."""

    ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of training over which the term then grows linearly to its full weight."""

    @model_validator(mode="after")
    def _has_a_term(self) -> "ActivationSensitivity":
        if self.weight == 0 and self.output_weight == 0:
            raise ValueError("weight and output_weight are both 0: nothing would be added to the loss")
        return self

    def active_checks(self) -> tuple[ManipulationCheck, ...]:
        """Return the check of the stages if they have a weight, else that of the logits."""
        return self.checks[:1] if self.weight > 0 else self.checks[1:]

    def cached_values(self) -> frozenset[str]:
        """Return the pre-activations if they have a weight, and the graph to the input if it is followed."""
        unused = {"pre_activations"} if self.weight == 0 else set()
        return self.uses - unused - ({"input_graph"} if self.variant == "finite_difference" else set())

    def passes(self) -> TrainingPasses:
        """Return one double backward pass, or a second pass forward and back."""
        if self.variant == "jacobian":
            return TrainingPasses(double_backward=1)
        return TrainingPasses(forward=1, full_backward=1)

    def loss_terms(self, step: Step, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the penalty; the state holds the running variances of the channels.

        Raises:
            ValueError: the network does not say where its pre-activations are, as a foreign one.
        """
        rise = ramp(step.progress, self.warmup, self.ramp)
        if rise == 0:
            return {}, state
        maps = self._maps(step.main)
        scales, state = channel_scales(step, maps, state)
        if self.variant == "jacobian":
            return {"sensitivity": rise * self._joint_gradient(step, maps, scales)}, state
        return {"sensitivity": rise * self._difference(step, maps, scales)}, state

    def _maps(self, each: Pass) -> tuple[Tensor, ...]:
        if self.weight == 0:
            return ()
        if not each.pre_activations:
            raise ValueError(
                "activation_sensitivity knows no pre-activations of this network; with weight 0 it needs none"
            )
        return each.pre_activations

    def _joint_gradient(self, step: Step, maps: tuple[Tensor, ...], scales: list[Tensor]) -> Tensor:
        outputs, directions = list(maps), []
        for values, scale in zip(maps, scales, strict=True):
            directions.append(math.sqrt(self.weight / values[0].numel()) * _drawn(step, values) / scale)
        if self.output_weight > 0:
            outputs.append(step.logits)
            # On the unit sphere: the radius sqrt(K) and the division by K cancel.
            directions.append(math.sqrt(self.output_weight) * F.normalize(_drawn(step, step.logits)))
        directions = [v.to(output.dtype) for v, output in zip(directions, outputs, strict=True)]
        (gradient,) = torch.autograd.grad(outputs, step.inputs, directions, create_graph=True)
        return gradient.square().sum((1, 2, 3)).mean()

    def _difference(self, step: Step, maps: tuple[Tensor, ...], scales: list[Tensor]) -> Tensor:
        noise = self.sigma * step.normal()
        moved = step.forward(step.inputs.detach() + noise)
        total = torch.zeros_like(noise[:, 0, 0, 0])
        if self.output_weight > 0:
            total = total + self.output_weight * (moved.logits - step.logits).square().mean(1)
        for before, after, scale in zip(maps, self._maps(moved), scales, strict=True):
            total = total + self.weight * ((after - before) / scale).square().mean((1, 2, 3))
        return (total * noise[0].numel() / noise.square().sum((1, 2, 3))).mean()


def _drawn(step: Step, like: Tensor) -> Tensor:
    """Return standard normal noise of the shape and layout of ``like``, in float32 or better."""
    noise = step.normal(like)
    return torch.empty_like(like, dtype=torch.promote_types(like.dtype, noise.dtype)).copy_(noise)
