"""How large a difference must be to be found, and what would narrow an interval most."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tasks.statistics.two_way import Components, Floats, MeanSquares, error_and_df, reaches

POWER = 0.8
"""The probability with which a true difference of the detectable size is found."""
_DRAWS = 4000
_MOST = 64
"""No more than this many times the seeds or clusters are advised."""
_HALF = 0.5


@dataclass(frozen=True)
class _Draws:
    """Mean squares over their expectation, of this study and of one like it, and a standard normal draw."""

    here: MeanSquares
    again: MeanSquares
    normal: Floats


@dataclass(frozen=True)
class _Way:
    """A way to narrow an interval: more of ``noun``, of which there are ``now``."""

    noun: str
    now: int
    with_number: Callable[[int], Components]


def detectable(found: Components, level: float) -> float:
    """Return the smallest true difference that a study like this one finds with a power of :data:`POWER`.

    Found means: the interval at ``level`` lies on the right side of 0, which is the rule of the page. A study
    like this one is simulated: as many seeds and clusters, and variance components that this study leaves
    possible. They are drawn, as a few seeds do not fix them. One study's guess of them would promise too
    much: with 3 seeds the power would be 0.64 instead of 0.8.

    Args:
        found: the components of the difference.
        level: coverage; 1 minus the level of the test, corrected for the number of tests.

    Returns:
        NaN without variance between clusters. With one seed: for the same network on other patients.
    """
    seeds, clusters = found.seeds, found.clusters
    drawn = _draws(seeds, clusters)
    mine = _expected(found)
    here = MeanSquares(
        mine.seed / drawn.here.seed, mine.cluster / drawn.here.cluster, mine.rest / drawn.here.rest
    )
    # A component cannot be negative, so no mean square is expected below that of the rest.
    true = MeanSquares(np.maximum(here.seed, here.rest), np.maximum(here.cluster, here.rest), here.rest)
    seen = MeanSquares(
        true.seed * drawn.again.seed, true.cluster * drawn.again.cluster, true.rest * drawn.again.rest
    )
    error, df = error_and_df(seen, seeds, clusters, 1 - level)
    spread = np.sqrt((true.seed + true.cluster - true.rest) / (seeds * clusters))
    if seeds == 1:
        spread = np.sqrt(true.cluster / clusters)
    needed = float(np.quantile(error * reaches(df, level) - drawn.normal * spread, POWER))
    return needed if needed > 0 else float("nan")


def what_narrows(found: Components, level: float, cluster: str) -> str:
    """Return the sentence on what would narrow the interval most: more seeds, or more clusters.

    Args:
        found: the components of the figure.
        level: coverage of the interval.
        cluster: what a cluster is: patient, slide or section.
    """
    if found.seeds == 1:
        return "with one seed nothing is known about other trainings: a second seed comes first"
    now = expected_reach(found, level)
    if not now > 0:
        return ""
    ways = [
        _Way("seeds", found.seeds, lambda number: replace(found, seeds=number)),
        _Way(f"{cluster}s", found.clusters, lambda number: replace(found, clusters=number)),
    ]
    first, other = sorted(ways, key=lambda way: expected_reach(way.with_number(2 * way.now), level))
    if not (needed := _needed(first, level, now)):
        return f"more seeds and more {cluster}s together: neither alone halves the interval"
    also = _needed(other, level, now)
    rest = f"so would {also} {other.noun}" if also else f"more {other.noun} alone never do"
    return f"more {first.noun}: {needed} instead of {first.now} halve the interval; {rest}"


def expected_reach(found: Components, level: float) -> float:
    """Return the expected half width of the interval with these components, seeds and clusters."""
    squares = _expected(found)
    error, df = error_and_df(squares, found.seeds, found.clusters, 1 - level)
    return float(error * reaches(np.asarray(df), level))


def _needed(way: _Way, level: float, now: float) -> int:
    """Return how many seeds or clusters halve the interval; 0 where no reasonable number does."""
    numbers = range(way.now + 1, _MOST * way.now + 1)
    if expected_reach(way.with_number(numbers[-1]), level) > _HALF * now:
        return 0
    # The reach falls with the number, so a bisection finds the first.
    first = bisect_left(numbers, True, key=lambda n: expected_reach(way.with_number(n), level) <= _HALF * now)
    return numbers[first]


def _expected(found: Components) -> MeanSquares:
    """Return the mean squares that the components lead to expect."""
    rest = np.asarray(found.rest)
    seed = 0.0 if math.isnan(found.seed) else found.clusters * found.seed
    return MeanSquares(rest + seed, rest + found.seeds * found.cluster, rest)


@lru_cache(maxsize=64)
def _draws(seeds: int, clusters: int) -> _Draws:
    """Return the draws for a design, the same for every figure of it."""
    generator = np.random.default_rng(0)

    def squares() -> MeanSquares:
        dfs = (seeds - 1, clusters - 1, (seeds - 1) * (clusters - 1))
        drawn = [generator.chisquare(df, _DRAWS) / df if df else np.ones(_DRAWS) for df in dfs]
        return MeanSquares(*drawn)

    return _Draws(squares(), squares(), generator.standard_normal(_DRAWS))
