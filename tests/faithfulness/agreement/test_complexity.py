"""Concentration of the same magnitudes."""

import numpy as np

from tasks.faithfulness.effective_complexity import EffectiveComplexity
from tasks.faithfulness.entropy import Entropy
from tasks.faithfulness.gini import Gini
from tests._support.agreement import inputs, quantus, score, values

PIXELS = 256


def test_sparseness_is_gini(tmp_path):
    """Up to 1e-7, which Quantus adds to every magnitude (and to the caller's array)."""
    ours = values(score(tmp_path, Gini(), inputs()["maps"]), "gini")
    np.testing.assert_allclose(ours, quantus("sparseness"), atol=1e-6)


def test_complexity_is_entropy_times_its_largest_value(tmp_path):
    ours = values(score(tmp_path, Entropy(), inputs()["maps"]), "entropy")
    np.testing.assert_allclose(ours * np.log(PIXELS), quantus("complexity"), atol=1e-5)


def test_effective_complexity_counts_the_same_pixels_of_maps_over_their_largest(tmp_path):
    ours = values(score(tmp_path, EffectiveComplexity(threshold=0.1), inputs()["maps"]), "share")
    np.testing.assert_allclose(ours * PIXELS, quantus("effective_complexity"), atol=1e-9)


def test_by_default_a_tile_of_quantus_counts_differently_in_company():
    """It divides by the largest value of all tiles in the call; ours by that of the tile."""
    alone, right = quantus("effective_complexity_alone")[0], quantus("effective_complexity")[0]
    assert alone == right
    assert quantus("effective_complexity_default")[0] < 0.95 * alone


def test_maps_of_evidence_against_the_class_alone_are_refused_by_quantus_and_scored_here(tmp_path):
    assert quantus("negative_maps") == "AssertionError"
    ours = values(score(tmp_path, Gini(), -np.abs(inputs()["maps"])), "gini")
    np.testing.assert_allclose(ours, quantus("sparseness"), atol=1e-6)
