"""Two-way random effects: intervals and tests that hold for other trainings and for other patients.

A figure is known for each training seed and each cluster of units (a patient, as a rule). Seeds and clusters
are both drawn from populations, so both carry variance into the mean: x[s, c] = mean + seed[s] + cluster[c] +
rest[s, c]. The three variances are estimated from mean squares, and the mean gets a t interval.

Its degrees of freedom follow Satterthwaite, with one change of ours: the seeds' mean square is taken at an
upper limit there. With two or three seeds it is often far too small by chance, and then the usual formula
borrows the many degrees of freedom of the clusters. The limit is passed with ten times the probability of the
test, a quarter at most: what is rare enough to look like proof must not be the luck of two equal seeds.
docs/agreement.md has the simulated coverage.

Sources: Satterthwaite (1946), "An approximate distribution of estimates of variance components", Biometrics
Bulletin 2(6); Searle, Casella and McCulloch (1992), "Variance components", chapter 4.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_UPPER, _TIMES = 0.25, 10.0
"""The seeds' mean square passes its upper limit with _TIMES the probability of the test, _UPPER at most."""
_SAME = _UPPER / _TIMES
"""Above this p the limit, and so the degrees of freedom, are the same for all tests."""
_SMALLEST, _HALVINGS = 1e-15, 50
"""No p is told below this; by how many bisections of its logarithm one is found."""
_ROUNDING = 1e-12
"""Cells that differ by less than this, relative to the largest, do not differ."""
_GRID = 4000
"""Points in 1/df between which quantiles of Student's law are interpolated."""


class StatisticsError(ValueError):
    """Scores and clusters that do not match."""


@dataclass(frozen=True)
class Components:
    """Variance components of a figure, in its squared units.

    Attributes:
        seed: between training seeds; NaN with one seed, which says nothing about others.
        cluster: between clusters.
        rest: of a seed and a cluster together, beyond both; with one seed it is part of ``cluster``.
        seeds: how many seeds the figure is the mean of.
        clusters: how many clusters hold a unit.
    """

    seed: float
    cluster: float
    rest: float
    seeds: int
    clusters: int


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; all but the figure is NaN where there is no interval.

    Attributes:
        value: the mean over seeds.
        low: lower bound.
        high: upper bound.
        error: standard error.
        df: degrees of freedom of its t interval.
        components: the variance components; None where there is no interval.
        squares: the mean squares that it all follows from.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")
    error: float = float("nan")
    df: float = float("nan")
    components: Components | None = None
    squares: "MeanSquares | None" = field(default=None, compare=False, repr=False)

    def p(self, null: float = 0.0) -> float:
        """Return the two-sided p of the test that the true value is ``null``; NaN without an error."""
        if not self.error > 0:
            return float("nan")
        return self._two_sided(abs(self.value - null) / self.error)

    def p_within(self, margin: float) -> float:
        """Return the p of two one-sided tests that the true value lies within ``margin`` of 0.

        Source: Schuirmann (1987), "A comparison of the two one-sided tests procedure", 15(6).
        """
        if not self.error > 0 or not margin > 0:
            return float("nan")
        t = min(margin - self.value, margin + self.value) / self.error
        half = self._two_sided(abs(t)) / 2
        return half if t > 0 else 1 - half

    def _two_sided(self, t: float) -> float:
        """Return the p at which an interval that reaches ``t`` standard errors would just begin."""
        assert self.components is not None
        assert self.squares is not None
        squares, seeds, clusters = self.squares, self.components.seeds, self.components.clusters

        def tails(p: float) -> float:
            return 2 * _upper_tail(t, float(error_and_df(squares, seeds, clusters, p)[1]))

        first = tails(_SAME)
        if first >= _SAME or seeds == 1:
            return min(1.0, first)
        low, high = math.log(_SMALLEST), math.log(_SAME)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if tails(math.exp(middle)) > math.exp(middle) else (low, middle)
        return math.exp(high)


@dataclass(frozen=True)
class MeanSquares:
    """The mean squares of seeds, clusters and the rest. Arrays of any one shape."""

    seed: Floats
    cluster: Floats
    rest: Floats


def estimate(value: float, cells: Floats, level: float) -> Estimate:
    """Return ``value`` with its interval at ``level``.

    Args:
        value: the figure itself.
        cells: float [S, C], the figure per seed and cluster; see :mod:`tasks.statistics.cells`.
        level: coverage, such as 0.95.

    Returns:
        No interval where a cell is NaN or where there are fewer than two clusters. Where nothing varies the
        interval is a point and there is no test.
    """
    seeds, clusters = cells.shape
    if clusters < 2 or not np.isfinite(cells).all():
        return Estimate(value)
    # What rounding leaves of equal cells is no variance.
    even = np.ptp(cells) <= _ROUNDING * np.abs(cells).max()
    squares = mean_squares(np.zeros_like(cells) if even else cells)
    error, df = error_and_df(squares, seeds, clusters, 1 - level)
    reach = float(error * _quantile(float(df), level))
    return Estimate(
        value,
        value - reach,
        value + reach,
        float(error),
        float(df),
        components(squares, seeds, clusters),
        squares,
    )


def mean_squares(cells: Floats) -> MeanSquares:
    """Return the mean squares of ``cells`` [S, C, ...]. With one seed only those of clusters are not 0."""
    seeds, clusters = cells.shape[:2]
    whole = cells.mean(axis=(0, 1))
    by_seed, by_cluster = cells.mean(axis=1), cells.mean(axis=0)
    between = seeds * ((by_cluster - whole) ** 2).sum(axis=0) / (clusters - 1)
    if seeds == 1:
        return MeanSquares(np.zeros_like(between), between, np.zeros_like(between))
    rest = cells - by_seed[:, None] - by_cluster[None] + whole
    return MeanSquares(
        clusters * ((by_seed - whole) ** 2).sum(axis=0) / (seeds - 1),
        between,
        (rest**2).sum(axis=(0, 1)) / ((seeds - 1) * (clusters - 1)),
    )


def error_and_df(squares: MeanSquares, seeds: int, clusters: int, alpha: float) -> tuple[Floats, Floats]:
    """Return the standard error of the mean and its degrees of freedom, in the shape of ``squares``.

    A component that comes out negative counts as 0. The degrees of freedom are those of a two-sided test
    at ``alpha``, which is 1 minus the coverage of an interval.
    """
    if seeds == 1:
        return np.sqrt(squares.cluster / clusters), np.full_like(squares.cluster, clusters - 1.0)
    dfs = (seeds - 1.0, clusters - 1.0, (seeds - 1.0) * (clusters - 1.0))
    passed = min(_UPPER, _TIMES * alpha)
    raised = MeanSquares(squares.seed * _upper_limit(seeds - 1, passed), squares.cluster, squares.rest)
    df = np.minimum(_satterthwaite(squares, dfs), _satterthwaite(raised, dfs))
    return np.sqrt(_total(squares) / (seeds * clusters)), np.maximum(df, 1.0)


def components(squares: MeanSquares, seeds: int, clusters: int) -> Components:
    """Return the variance components of ``squares`` of shape []; none is below 0."""
    rest = float(squares.rest)
    return Components(
        seed=max(0.0, (float(squares.seed) - rest) / clusters) if seeds > 1 else float("nan"),
        cluster=max(0.0, (float(squares.cluster) - rest) / seeds),
        rest=rest,
        seeds=seeds,
        clusters=clusters,
    )


def reaches(df: Floats, level: float) -> Floats:
    """Return how many standard errors an interval at ``level`` reaches to each side, for ``df`` >= 1."""
    inverse, quantiles = _table(level)
    found: Floats = np.interp(1 / df, inverse, quantiles)
    return found


def _total(squares: MeanSquares) -> Floats:
    """Return the variance of the mean times S C."""
    excess = np.maximum(squares.seed - squares.rest, 0) + np.maximum(squares.cluster - squares.rest, 0)
    return np.asarray(excess + squares.rest)


def _satterthwaite(squares: MeanSquares, dfs: tuple[float, float, float]) -> Floats:
    """Return the degrees of freedom of :func:`_total`; the rest cancels where it is subtracted once."""
    seed, cluster = squares.seed > squares.rest, squares.cluster > squares.rest
    # total = seed + cluster - rest where both exceed the rest, the larger one where one does, else the rest.
    with_rest = seed == cluster
    below = (
        seed * squares.seed**2 / dfs[0]
        + cluster * squares.cluster**2 / dfs[1]
        + with_rest * squares.rest**2 / dfs[2]
    )
    total = _total(squares)
    return np.asarray(np.divide(total**2, below, out=np.ones_like(total), where=below > 0))


def _quantile(df: float, level: float) -> float:
    from scipy import special  # takes half a second to import, which a plan need not spend

    return float(special.stdtrit(df, (1 + level) / 2))


def _upper_tail(t: float, df: float) -> float:
    from scipy import special

    return float(special.stdtr(df, -t))


@lru_cache(maxsize=256)
def _upper_limit(df: int, passed: float) -> float:
    """Return the factor from a mean square to the limit that its expectation passes with this probability."""
    from scipy import special

    return float(df / (2 * special.gammaincinv(df / 2, passed)))


@lru_cache(maxsize=64)
def _table(level: float) -> tuple[Floats, Floats]:
    from scipy import special

    inverse = np.linspace(0, 1, _GRID + 1)
    quantiles = special.stdtrit(1 / inverse[1:], (1 + level) / 2)
    return inverse, np.concatenate([[special.ndtri((1 + level) / 2)], quantiles])
