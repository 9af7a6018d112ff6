"""One plain pass through a network that records its structure and values for LRP."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tasks.explainers._lrp_unit import Unit
from tasks.explainers.base import ExplanationError

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
WIRING = (
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.Identity,
    nn.Flatten,
)
"""Modules that pass relevance on by their own gradient: doubling the input doubles the output."""

SUPPORTED = (nn.Conv2d, nn.Linear, *NORMS, nn.ReLU, *WIRING)
HOLDERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
LINEAR_CALLS = frozenset({"add", "__add__", "__radd__", "cat", "mean", "adaptive_avg_pool2d", "avg_pool2d"})
SHAPE_CALLS = frozenset(
    {"flatten", "view", "reshape", "squeeze", "unsqueeze", "contiguous", "permute", "__getitem__"}
    | {"__get__", "__len__", "size", "dim", "numel"}
)
CALLS = LINEAR_CALLS | SHAPE_CALLS | {"max_pool2d", "dropout"}
"""Functions that a network may call outside of its modules, behind its first layer."""


@dataclass
class Trace:
    """The record of one pass."""

    logits: Tensor = field(default_factory=lambda: torch.empty(0))
    units: list[Unit] = field(default_factory=list)
    """Convolutions and dense layers in the order of their calls, each with the BatchNorm directly behind
    it."""
    hidden: set[str] = field(default_factory=set)
    """Names of the units called before the last ReLU."""
    entered: Tensor = field(default_factory=lambda: torch.empty(0))
    """The output of the first unit."""
    relus: dict[str, deque[Tensor]] = field(default_factory=dict)
    """The outputs of each ReLU, one per call."""


def traced(model: nn.Module, images: Tensor) -> Trace:
    """Return the trace of one forward pass without gradients; all hooks are removed after.

    Raises:
        ExplanationError: a module or a function that has no rule, or a layer that is called twice.
    """
    _check_modules(model)
    watch = _Watch(type(model).__name__)
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if type(module) in SUPPORTED:
                enter, leave = watch.hooks(name)
                stack.callback(module.register_forward_pre_hook(enter).remove)
                stack.callback(module.register_forward_hook(leave).remove)
        with torch.no_grad(), watch:
            watch.trace.logits = model(images)
    if not watch.trace.units:
        raise ExplanationError(f"lrp found no Conv2d and no Linear in {type(model).__name__}")
    return watch.trace


class _Watch(TorchFunctionMode):
    """Sees every call: of modules by hooks, of functions directly."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.trace = Trace()
        self._title = title
        self._inside = False
        self._last: Tensor | None = None

    def hooks(self, name: str) -> tuple[Callable[..., None], Callable[..., None]]:
        """Return a forward pre-hook and a forward hook for the module ``name``."""

        def enter(module: nn.Module, _inputs: tuple[Tensor, ...]) -> None:
            self._inside = True
            if isinstance(module, nn.Conv2d | nn.Linear):
                self._open(Unit(name, module))

        def leave(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self._inside = False
            self._note(name, module, inputs[0], output)

        return enter, leave

    def _open(self, unit: Unit) -> None:
        if any(unit.name == other.name for other in self.trace.units):
            raise ExplanationError(
                f"{unit.name!r} is called twice; lrp needs a layer of its own for every call"
            )
        self.trace.units.append(unit)

    def _note(self, name: str, module: nn.Module, given: Tensor, output: Tensor) -> None:
        units = self.trace.units
        if isinstance(module, nn.ReLU):
            self.trace.relus.setdefault(name, deque()).append(output)
            self.trace.hidden = {unit.name for unit in units}
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and given is self._last:
            units[-1].norm_name, units[-1].norm = name, module
            self._gives(output)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            self._gives(output)

    def _gives(self, output: Tensor) -> None:
        """Remember the output of the last unit, and of the first."""
        self._last = output
        if len(self.trace.units) == 1:
            self.trace.entered = output

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if self.trace.units and not self._inside and func.__name__ not in CALLS:
            raise ExplanationError(
                f"{self._title} calls {func.__name__!r} outside of a module behind its first layer; lrp has "
                "no rule for that"
            )
        return func(*args, **(kwargs or MappingProxyType({})))


def _check_modules(model: nn.Module) -> None:
    for name, module in model.named_modules():
        own = [parameter for parameter in module.parameters(recurse=False) if parameter is not None]
        foreign = not type(module).__module__.startswith("torch.nn") and not own
        if not (type(module) in SUPPORTED or isinstance(module, HOLDERS) or foreign):
            raise ExplanationError(
                f"lrp has no rule for {name!r}, a {type(module).__name__}; it has rules for "
                f"{', '.join(known.__name__ for known in SUPPORTED)}"
            )
        if getattr(module, "inplace", False):
            raise ExplanationError(f"{name!r} works in place, which hides the values that lrp needs")
        if isinstance(module, NORMS) and (module.running_mean is None or not module.affine):
            raise ExplanationError(f"{name!r} has no running statistics or no weights; lrp needs both")
