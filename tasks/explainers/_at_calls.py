"""Another rule at each call of a function in a network, however it is called.

Hooks see modules only. They miss a functional ReLU, cannot separate several calls of one module, and may be
left behind. Here a call is intercepted whether a module, a method or the plain function makes it, in place or
not, and nothing is added to the model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

ELEMENTWISE = frozenset(
    {"celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_sigmoid", "mish"}
    | {"prelu", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "tanh"}
)
"""Activations: functions of each value by itself."""


@dataclass(frozen=True)
class Call:
    """A call ``func(input, *rest, **named)``."""

    func: Callable[..., Any]
    input: Tensor
    rest: Sequence[Any]
    named: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the function, the same in place or not: ``relu``."""
        return name_of(self.func)

    @property
    def in_place(self) -> bool:
        """Whether the call changes its input: by its name, or by the ``inplace`` of an activation."""
        flags = (self.named.get("inplace"), *self.rest)
        return self.func.__name__.endswith("_") or any(flag is True for flag in flags)

    def on(self, values: Tensor) -> Tensor:
        """Return the function of other values. An in-place function changes and returns them."""
        result: Tensor = self.func(values, *self.rest, **self.named)
        return result


class AtCalls(TorchFunctionMode):
    """Inside the block, ``rule`` replaces the calls of the functions ``names``."""

    def __init__(self, names: frozenset[str], rule: Callable[[Call], Tensor]) -> None:
        super().__init__()
        self._names = names
        self._rule = rule

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if name_of(func) not in self._names:
            return func(*args, **named)
        first, *rest = args or (named.pop("input"),)
        return self._rule(Call(func, first, rest, named))


def name_of(func: Callable[..., Any]) -> str:
    """Return the name of ``func`` without the underscore of its form in place."""
    return func.__name__.removesuffix("_")
