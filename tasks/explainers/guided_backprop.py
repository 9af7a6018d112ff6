"""The input gradient with negative gradients stopped at every ReLU."""

from typing import ClassVar, Self

import torch
from pydantic import PrivateAttr
from torch import Tensor, nn

from tasks.explainers._at_calls import ELEMENTWISE, AtCalls, Call
from tasks.explainers.base import ChannelExplainer, ExplanationError, Kind
from tasks.functional.gradients import input_gradient, reduce_channels
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes


class GuidedBackprop(ChannelExplainer):
    """The gradient through active ReLUs with negative gradients stopped: signed, but not a gradient.

    It is known to draw the image's edges whatever the weights of the upper layers say (Adebayo et al. 2018);
    compare it with ``untrained_network`` over it. Captum hooks modules and misses a functional ReLU. Here
    each call of a ReLU is intercepted, so functional, reused and in-place ones count, without hooks. Other
    activations keep their own gradient, and a note beside the maps names them. A ReLU in compiled or traced
    code is not met.
    """

    source: ClassVar[str] = (
        "Springenberg, Dosovitskiy, Brox and Riedmiller (2014), arXiv:1412.6806; agrees with Captum 0.9 "
        "where every ReLU is a module of its own"
    )
    kind: ClassVar[Kind] = "sensitivity"

    _unguided: tuple[str, ...] = PrivateAttr(())

    def settle(self, model: nn.Module, images: Tensor) -> Self:
        """Return a copy that knows the network's activations, by one pass of the first image.

        Raises:
            ExplanationError: the network calls no ReLU.
        """
        met: dict[str, None] = {}

        def note(call: Call) -> Tensor:
            met.setdefault(call.name)
            return call.on(call.input)

        with leave_as_found(model), torch.no_grad(), AtCalls(ELEMENTWISE, note):
            model(images[:1].clone())
        _refuse_none(met, model)
        copied = self.model_copy()
        copied._unguided = tuple(name for name in met if name != "relu")
        return copied

    def notes(self) -> tuple[str, ...]:
        """Name the activations that are not guided."""
        listed = ", ".join(self._unguided)
        return (f"Only ReLUs are guided; the network's {listed} keep their own gradient.",) if listed else ()

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the guided gradient [B, H, W], channels reduced.

        Raises:
            ExplanationError: the network calls no ReLU.
        """
        met: dict[str, None] = {}

        def guided(call: Call) -> Tensor:
            met.setdefault(call.name)
            result = call.on(call.input)
            if result.requires_grad:
                result.register_hook(lambda gradient: gradient.clamp_min(0))  # type: ignore[no-untyped-call]
            return result

        def forward(batch: Tensor) -> Tensor:
            with AtCalls(frozenset({"relu"}), guided):
                logits: Tensor = model(batch)
            return logits

        values = input_gradient(forward, images, targets)
        _refuse_none(met, model)
        return reduce_channels(values, self.reduce)

    def passes(self) -> Passes:
        """One forward, one backward."""
        return Passes(forward=1, backward=1)


def _refuse_none(met: dict[str, None], model: nn.Module) -> None:
    if "relu" not in met:
        others = f" (it calls {', '.join(met)})" if met else ""
        raise ExplanationError(
            f"guided_backprop acts on ReLUs; {type(model).__name__} calls none that can be met{others}, so "
            "use 'gradient'"
        )
