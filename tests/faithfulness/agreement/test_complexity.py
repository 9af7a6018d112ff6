"""Concentration of the same magnitudes."""

import numpy as np

from tasks.faithfulness.gini import Gini
from tests._support.agreement import inputs, quantus, score, values


def test_sparseness_is_gini(tmp_path):
    """Up to 1e-7, which Quantus adds to every magnitude (and to the caller's array)."""
    ours = values(score(tmp_path, Gini(), inputs()["maps"]), "gini")
    np.testing.assert_allclose(ours, quantus("sparseness"), atol=1e-6)
