"""The detectable difference by simulation, and what would narrow an interval."""

import math

import numpy as np
import pytest
from scipy import stats

from tasks.statistics.power import detectable, expected_reach, what_narrows
from tasks.statistics.two_way import Components, estimate, mean_squares
from tasks.statistics.two_way import components as found_components


def made(seeds, clusters, spreads, generator, shift=0.0):
    seed, cluster, rest = spreads
    return (
        shift
        + generator.normal(0, seed, (seeds, 1))
        + generator.normal(0, cluster, (1, clusters))
        + generator.normal(0, rest, (seeds, clusters))
    )


def test_with_many_clusters_and_one_seed_it_is_the_textbook_figure():
    """2.80 = 1.96 + 0.84 standard errors, for a power of 0.8 by the normal law."""
    found = detectable(Components(math.nan, 4.0, 0.0, 1, 2000), 0.95)
    assert found / (2 / math.sqrt(2000)) == pytest.approx(2.80, rel=0.03)


def test_with_one_seed_it_is_larger_for_fewer_clusters_than_the_normal_law_says():
    found = detectable(Components(math.nan, 4.0, 0.0, 1, 6), 0.95)
    assert found / (2 / math.sqrt(6)) > 3.2


@pytest.mark.parametrize(
    ("seeds", "clusters", "spreads"),
    [(3, 10, (0.045, 0.014, 0.012)), (5, 40, (0.030, 0.026, 0.040)), (10, 10, (0.017, 0.004, 0.012))],
)
def test_a_study_like_this_one_finds_it_as_often_as_it_says(seeds, clusters, spreads):
    """Each printed value is tried in a study of its own, by the rule of the page."""
    generator, found = np.random.default_rng(0), 0
    for _ in range(600):
        cells = made(seeds, clusters, spreads, generator)
        printed = detectable(found_components(mean_squares(cells), seeds, clusters), 0.95)
        again = made(seeds, clusters, spreads, generator, shift=printed)
        result = estimate(float(again.mean()), again, 0.95)
        found += result.low > 0
    assert 0.75 <= found / 600 <= 0.88


def test_a_stricter_level_needs_a_larger_difference():
    parts = Components(1e-3, 1e-4, 1e-4, 4, 12)
    assert detectable(parts, 0.99) > detectable(parts, 0.95)


def test_same_components_same_figure():
    parts = Components(1e-3, 1e-4, 1e-4, 4, 12)
    assert detectable(parts, 0.95) == detectable(parts, 0.95)


def test_the_expected_reach_is_students():
    """With seeds alone: t of S - 1 degrees of freedom times sd / sqrt(S)."""
    found = expected_reach(Components(0.04, 0.0, 1e-12, 5, 30), 0.95)
    assert found == pytest.approx(stats.t.ppf(0.975, 4) * 0.2 / math.sqrt(5), rel=1e-3)


def test_where_seeds_vary_more_seeds_are_advised_and_halve_the_interval():
    parts = Components(0.045**2, 0.014**2, 0.012**2, 3, 10)
    said = what_narrows(parts, 0.95, "patient")
    assert said.startswith("more seeds: ")
    needed = int(said.split()[2])
    assert (
        expected_reach(Components(0.045**2, 0.014**2, 0.012**2, needed, 10), 0.95)
        <= expected_reach(parts, 0.95) / 2
        < expected_reach(Components(0.045**2, 0.014**2, 0.012**2, needed - 1, 10), 0.95)
    )
    assert said.endswith("more patients alone never do")


def test_where_patients_vary_more_patients_are_advised():
    said = what_narrows(Components(1e-8, 0.04, 1e-6, 5, 8), 0.95, "patient")
    assert said.startswith("more patients: ")
    assert said.endswith("more seeds alone never do")


def test_with_one_seed_a_second_comes_first():
    assert "second seed comes first" in what_narrows(Components(math.nan, 0.04, 0.0, 1, 8), 0.95, "slide")
