"""Deletion curves of slide models: the closed form against asking the network at every step.

``python -m benchmarks.slide_level_curves`` traces 20 full curves of a slide of 20,000 tiles, one tile a step.
The loop does what xMIL's published protocol does: at each step the bag is copied without the removed tiles
and goes through the network. It is run on :data:`LOOP_STEPS` steps spread evenly over one curve, and its time
is scaled to all steps of all curves. Both start from features on the host, on one thread.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor

from tasks.functional.pooled_curves import removal_logits
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.base import PooledNetwork

T = TypeVar("T")
TILES, DIM, ORDERS = 20_000, 1024, 20
LOOP_STEPS = 24
REPEATS = 5


def measure(tiles: int = TILES, dim: int = DIM, loop_steps: int = LOOP_STEPS) -> Mapping[str, float]:
    """Return what is measured.

    ``curve_seconds`` is the closed form of 20 curves, from scores to logits, ``network_seconds`` the one pass
    that gives its terms, ``loop_seconds`` the scaled loop. ``curve_speedup`` is the loop over both
    others. ``closed_form_error`` is the largest difference of logits from asking, both in float64.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            return _measured(tiles, dim, loop_steps)
    finally:
        torch.set_num_threads(before)


def _measured(tiles: int, dim: int, loop_steps: int) -> Mapping[str, float]:
    network = Abmil().build(dim, classes=2, seed=0).eval()
    assert isinstance(network, PooledNetwork)
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, tiles, dim, generator=generator)
    mask = torch.ones(1, tiles, dtype=torch.bool)
    scores = torch.randn(ORDERS, 1, tiles, generator=generator)
    network_seconds, terms = _fastest(lambda: network.terms(features, mask))
    curve_seconds, _ = _fastest(lambda: removal_logits(terms, _ranks(scores)))
    steps = torch.linspace(0, tiles - 1, loop_steps).long().tolist()
    loop_seconds = _loop(network, features, scores[0, 0].argsort(descending=True), steps)
    scaled = loop_seconds / len(steps) * (tiles + 1) * ORDERS
    return {
        "curve_seconds": curve_seconds,
        "network_seconds": network_seconds,
        "loop_seconds": scaled,
        "curve_speedup": scaled / (curve_seconds + network_seconds),
        "closed_form_error": _error(network.double(), features.double(), scores, steps),
    }


def _ranks(scores: Tensor) -> Tensor:
    """Return the place of each tile when the highest score leaves first, [O, B, N]."""
    order = scores.argsort(dim=2, descending=True)
    places = torch.arange(scores.shape[2]).expand_as(order)
    return torch.empty_like(order).scatter_(2, order, places)


def _fastest(do: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds of the fastest of some calls, and the result of the first."""
    result, best = do(), float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        do()
        best = min(best, time.perf_counter() - started)
    return best, result


def _loop(network: PooledNetwork, features: Tensor, order: Tensor, steps: list[int]) -> float:
    """Return the seconds of some steps: a copy of what is left, and a forward pass."""
    started = time.perf_counter()
    for gone in steps:
        _asked(network, features, order, gone)
    return time.perf_counter() - started


def _asked(network: PooledNetwork, features: Tensor, order: Tensor, gone: int) -> Tensor:
    left = features.clone()[:, order[gone:].sort().values]
    logits: Tensor = network(left, torch.ones(left.shape[:2], dtype=torch.bool))
    return logits


def _error(network: PooledNetwork, features: Tensor, scores: Tensor, steps: list[int]) -> float:
    mask = torch.ones(features.shape[:2], dtype=torch.bool)
    closed = removal_logits(network.terms(features, mask), _ranks(scores[:1]))
    order = scores[0, 0].argsort(descending=True)
    return max(
        float((closed[gone, 0] - _asked(network, features, order, gone)).abs().max()) for gone in steps[-8:]
    )


if __name__ == "__main__":
    print(json.dumps(measure()))  # the result of a benchmark
