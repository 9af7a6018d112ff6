"""Layer-wise relevance propagation with a rule for every module of a residual network."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._lrp_entry import Entry, FirstLayer
from tasks.explainers._lrp_trace import Trace, traced
from tasks.explainers._lrp_unit import boosted
from tasks.explainers._recomputation import refuse_recomputation
from tasks.explainers.base import ChannelExplainer, ExplanationError, Kind
from tasks.functional.gradients import reduce_channels, target_margin
from tasks.functional.passes import Passes

Hook = Callable[[nn.Module, tuple[Tensor], Tensor], Tensor]

_TINY = 1e-20
"""Avoids 0 / 0; an inactive ReLU gets no relevance."""


class Lrp(ChannelExplainer):
    """The margin, distributed layer by layer in proportion to what each input contributes.

    A neuron is a ReLU with all that is linear before it, and its rule divides by its own positive value or a
    larger one: no factor exceeds one, so relevance cannot grow without bound, as it may where a rule divides
    by the output of a single layer.

    - Conv2d: gamma rule, the BatchNorm straight behind it merged into its weights first.
    - Linear, BatchNorm elsewhere, and whatever comes behind the last ReLU: epsilon rule.
    - Residual sum: each branch gets the share that it contributes to the sum.
    - Average pool: in proportion; max pool: to the winner. Dropout, Flatten: unchanged.
    - First layer: ``first_layer``.

    Relevance that a bias or a BatchNorm's shift contributes is absorbed there, and epsilon absorbs a share of
    what is weak: the map sums to the margin in a network without shifts only.

    It is gradient x input of a network with other weights, at the true activations: a plain pass records
    them, a second one with the rules' weights is differentiated.
    """

    source: ClassVar[str] = (
        "Bach et al. (2015), doi:10.1371/journal.pone.0130140; gamma and epsilon rules by layer and LRP as a "
        "gradient: Montavon et al. (2019), doi:10.1007/978-3-030-28954-6_10; z_box and w_squared: Montavon "
        "et al. (2017), doi:10.1016/j.patcog.2016.11.008. Ours: the neuron reaches over the residual sum"
    )
    kind: ClassVar[Kind] = "contribution"

    gamma: float = Field(default=0.25, ge=0)
    """How much more a convolution's positive weights count; 0 is the epsilon rule."""
    epsilon: float = Field(default=1e-6, ge=0)
    """Added to each neuron's denominator, in the units of its activation."""
    first_layer: FirstLayer = "z_box"
    """``z_box``: contributions above the least that a pixel in [0, 1] could give; ``w_squared``: by squared
    weight; ``flat``: evenly over the kernel; ``epsilon``: by contributions of the values as the network
    normalises them. There is no gamma rule for inputs of both signs."""

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the relevance [B, H, W], channels reduced.

        Raises:
            ExplanationError: the network holds something that LRP has no rule for, by name.
        """
        trace = traced(model, images)
        leaf = images.detach().requires_grad_()
        entry = Entry(trace.units[0], self.first_layer, leaf)
        with torch.enable_grad(), refuse_recomputation("lrp"):
            logits = self._second_pass(model, trace, entry, leaf)
            margin = target_margin(logits, targets)
        _check_values(logits, trace)
        return reduce_channels(self._relevance(margin, entry, leaf), self.reduce)

    def passes(self) -> Passes:
        """Two forward, for the true values and for the rules', and one backward."""
        return Passes(forward=2, backward=1)

    def _relevance(self, margin: Tensor, entry: Entry, leaf: Tensor) -> Tensor:
        """Return the relevance [B, C, H, W] of the images; the margin itself uses the epsilon rule."""
        size = margin.detach().abs()
        start = size / (size + max(self.epsilon, _TINY))
        leaves = (entry.entered, leaf)
        gradient, past = torch.autograd.grad(margin, leaves, grad_outputs=start, allow_unused=True)
        if cast("Tensor | None", past) is not None:
            raise ExplanationError(
                f"the images reach the logits past the first layer {entry.unit.name!r} too"
            )
        return entry.relevance(gradient)

    def _second_pass(self, model: nn.Module, trace: Trace, entry: Entry, leaf: Tensor) -> Tensor:
        """Return the true logits [B, K] on a graph whose gradients obey the rules."""
        modules = dict(model.named_modules())
        with ExitStack() as stack:
            first = entry.unit.layer
            stack.callback(first.register_forward_pre_hook(entry.enter).remove)
            if entry.shared:
                stack.callback(entry.unit.last.register_forward_hook(_closing(entry, trace)).remove)
            for name in trace.relus:
                stack.callback(modules[name].register_forward_hook(self._neuron(trace, name)).remove)
            stack.enter_context(entry.computing())
            for unit in trace.units[1:]:
                if isinstance(unit.layer, nn.Conv2d) and unit.name in trace.hidden:
                    rule = (boosted(values, self.gamma) for values in unit.merged())
                    stack.enter_context(unit.computing(*rule))
            logits: Tensor = model(leaf)
        return logits

    def _neuron(self, trace: Trace, name: str) -> Hook:
        def replace(_relu: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            value = trace.relus[name].popleft()
            (given,) = inputs
            # In the memory of the discarded output: new memory costs more than the arithmetic.
            factor = torch.maximum(given.detach(), value, out=output.detach())
            factor.add_(max(self.epsilon, _TINY))
            return _Relay.of(given, value, torch.div(value, factor, out=factor))

        return replace


class _Relay(torch.autograd.Function):
    """Gives ``value`` forward and ``factor`` times the gradient backward."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, value: Tensor, factor: Tensor) -> Tensor:
        """Return ``value``."""
        ctx.save_for_backward(factor)
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient of ``given``."""
        (factor,) = ctx.saved_tensors
        return gradient * factor, None, None

    @classmethod
    def of(cls, given: Tensor, value: Tensor, factor: Tensor) -> Tensor:
        """Apply it."""
        result: Tensor = cls.apply(given, value, factor)  # type: ignore[no-untyped-call]  # torch
        return result


def _closing(entry: Entry, trace: Trace) -> Hook:
    """Return the hook that puts the first unit's true output in place of the sum of its inputs' shares."""

    def replace(_module: nn.Module, _inputs: tuple[Tensor], shares: Tensor) -> Tensor:
        return _Relay.of(shares, trace.entered, entry.factor(shares.detach(), trace.entered))

    return replace


def _check_values(logits: Tensor, trace: Trace) -> None:
    """Refuse a network in which a layer with the rules' weights reaches the logits past every ReLU."""
    wanted = trace.logits
    if not torch.allclose(logits.detach(), wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max())):
        raise ExplanationError(
            "a convolution before the last ReLU reaches the logits past it; lrp has no rule for that"
        )
