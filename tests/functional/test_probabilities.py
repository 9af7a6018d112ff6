import numpy as np
import pytest
from scipy import special

from tasks.functional.probabilities import softmax


def test_known_values_and_scipy():
    logits = np.random.default_rng(0).normal(size=(20, 3)) * 5
    assert softmax(np.array([[0.0, np.log(3.0)]])).tolist()[0] == pytest.approx([0.25, 0.75])
    assert np.allclose(softmax(logits), special.softmax(logits, axis=1), rtol=0, atol=1e-15)


def test_large_logits_do_not_overflow():
    assert softmax(np.array([[1000.0, 0.0]])).tolist() == [[1.0, 0.0]]
