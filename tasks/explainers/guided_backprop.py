"""The input gradient with negative gradients stopped at every ReLU."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers._at_calls import AtCalls, Call
from tasks.explainers.base import ChannelExplainer, ExplanationError, Kind
from tasks.functional.gradients import input_gradient, reduce_channels
from tasks.functional.passes import Passes


class GuidedBackprop(ChannelExplainer):
    """The gradient through active ReLUs with negative gradients stopped: signed, but not a gradient.

    It is known to draw the image's edges whatever the weights of the upper layers say (Adebayo et al. 2018);
    compare it with ``untrained_network`` over it. Captum hooks modules and misses a functional ReLU. Here
    each call of a ReLU is intercepted, so functional, reused and in-place ones count, without hooks.
    """

    source: ClassVar[str] = (
        "Springenberg, Dosovitskiy, Brox and Riedmiller (2014), arXiv:1412.6806; agrees with Captum 0.9 "
        "where every ReLU is a module of its own"
    )
    kind: ClassVar[Kind] = "sensitivity"

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the guided gradient [B, H, W], channels reduced.

        Raises:
            ExplanationError: the network calls no ReLU.
        """
        met: list[str] = []

        def guided(call: Call) -> Tensor:
            met.append(call.name)
            result = call.on(call.input)
            if result.requires_grad:
                result.register_hook(lambda gradient: gradient.clamp_min(0))  # type: ignore[no-untyped-call]
            return result

        def forward(batch: Tensor) -> Tensor:
            with AtCalls(frozenset({"relu"}), guided):
                logits: Tensor = model(batch)
            return logits

        values = input_gradient(forward, images, targets)
        if not met:
            raise ExplanationError(
                f"guided_backprop acts on ReLUs; {type(model).__name__} calls none, so use 'gradient'"
            )
        return reduce_channels(values, self.reduce)

    def passes(self) -> Passes:
        """One forward, one backward."""
        return Passes(forward=1, backward=1)
