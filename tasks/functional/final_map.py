"""The last map [B, C, h, w] of a network: the last such output that every path to the logits passes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from tasks.functional.leave_as_found import leave_as_found

_PASSED_OVER = (nn.MaxPool2d.__module__, nn.ZeroPad2d.__module__)
"""Where pools and paddings are defined."""


class NoFinalMapError(ValueError):
    """A network has no map that all its evidence passes; one sentence says so."""


@dataclass
class _Outputs:
    """What the modules of a network gave in one pass, in the order of their ends."""

    edges: dict[str, GradientEdge] = field(default_factory=dict)
    """Of outputs that are maps."""
    calls: dict[str, int] = field(default_factory=dict)
    passed_over: set[GradientEdge] = field(default_factory=set)
    """Of outputs of pools and paddings."""
    single: set[GradientEdge] = field(default_factory=set)
    """Of maps of one unit."""
    tokens: list[str] = field(default_factory=list)
    """Modules with outputs [B, N, C] of several tokens after the last map so far."""

    def hook(self, name: str) -> Callable[[nn.Module, Any, object], None]:
        """Return a forward hook for the module ``name``."""

        def note(module: nn.Module, _inputs: Any, output: object) -> None:
            self.calls[name] = self.calls.get(name, 0) + 1
            if not isinstance(output, Tensor) or not output.requires_grad:
                return
            if output.ndim == 3 and output.shape[1] > 1:
                self.tokens.append(name)
            elif output.ndim == 4:
                # Now, before a later module may change the output in place.
                self.edges[name] = get_gradient_edge(output)
                if type(module).__module__ in _PASSED_OVER:
                    self.passed_over.add(self.edges[name])
                if output.shape[2] * output.shape[3] == 1:
                    self.single.add(self.edges[name])
                else:
                    self.tokens.clear()

        return note


def final_map(model: nn.Module, image: Tensor) -> str:
    """Return the name of the module whose output is the last map that every path to the logits passes.

    The graph of one forward pass decides, not the order in which modules are defined: a map counts if no
    path from the image to the logits remains without it. A map of one unit, as a global pool gives it, says
    nothing about places and is passed over, and so are pools and paddings: what comes before shows more. A
    map of one unit is named only where no larger one is on every path. Of modules with the same output the
    innermost is named.

    Args:
        model: gives logits [B, K]; asked in eval mode and left as found.
        image: float [1, C, H, W], or a few of them.

    Raises:
        NoFinalMapError: no map is on every path, or tokens come after the last one, as in a transformer.
    """
    outputs = _Outputs()
    title = type(model).__name__
    with leave_as_found(model), ExitStack() as stack, torch.enable_grad():
        for name, module in model.named_modules():
            if name:
                stack.callback(module.register_forward_hook(outputs.hook(name)).remove)
        leaf = image.detach().clone().requires_grad_()
        # A network that works in place may not write on a leaf.
        logits = model(leaf.clone())
        if not logits.requires_grad:
            raise NoFinalMapError(f"the logits of {title} have no gradient by the image")
        start = get_gradient_edge(logits)
        found = _last_on_every_path(outputs, start, leaf, outputs.single)
        found = found or _last_on_every_path(outputs, start, leaf, set())
    if found is None or outputs.tokens:
        why = f"tokens come after it, first in {outputs.tokens[0]!r}" if found else "there is none"
        raise NoFinalMapError(
            f"{title} has no last map [B, C, h, w] that every path to the logits passes: {why}; name the "
            "layer yourself"
        )
    return found


def _last_on_every_path(
    outputs: _Outputs, start: GradientEdge, leaf: Tensor, without: set[GradientEdge]
) -> str | None:
    seen: set[GradientEdge] = set(without)
    found = None
    for name, edge in reversed(outputs.edges.items()):
        if outputs.calls[name] != 1 or edge in seen or edge in outputs.passed_over:
            continue
        seen.add(edge)
        if not _reaches(start, leaf, without=edge):
            found, wanted = name, edge
            # The order is that of ends, so a container comes after what it ends with: go on to the first.
            return next((n for n, e in outputs.edges.items() if e == wanted and outputs.calls[n] == 1), found)
    return found


def _reaches(start: GradientEdge, leaf: Tensor, without: GradientEdge) -> bool:
    """Say whether the graph leads from the logits to the leaf without passing the edge ``without``."""
    waiting, known = [start], {start}
    while waiting:
        edge = waiting.pop()
        if edge == without:
            continue
        if getattr(edge.node, "variable", None) is leaf:
            return True
        for following in _following(edge):
            if following not in known:
                known.add(following)
                waiting.append(following)
    return False


def _following(edge: GradientEdge) -> Iterator[GradientEdge]:
    for node, number in edge.node.next_functions:
        if node is not None:
            yield GradientEdge(node, number)
