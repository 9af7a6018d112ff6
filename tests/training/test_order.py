"""What an epoch shows, and what each class weighs."""

import numpy as np
import pytest
import torch

from tasks.training.order import class_weights, epoch_order

LABELS = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)


def order(balance, seed=0):
    return epoch_order(LABELS, balance, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("balance", ["weights", "none"])
def test_every_tile_once_in_an_order_of_the_stream(balance):
    assert sorted(order(balance)) == list(range(100))
    assert np.array_equal(order(balance), order(balance))
    assert not np.array_equal(order(balance), order(balance, seed=1))


def test_sampling_shows_every_class_equally_and_repeats_in_whole_rounds():
    drawn = order("sampling")
    labels = LABELS[torch.from_numpy(drawn)]
    assert labels.bincount().tolist() == [33, 33, 33]
    times = np.bincount(drawn, minlength=100)
    assert set(times[:70]) == {0, 1}
    assert set(times[70:90]) == {1, 2}
    assert set(times[90:]) == {3, 4}
    assert len(set(labels[:12].tolist())) == 3


def test_weights_are_inverse_to_frequency_and_average_one_over_tiles():
    weights = class_weights(LABELS, "weights")
    assert torch.allclose(weights, torch.tensor([100 / 210, 100 / 60, 100 / 30]))
    assert weights[LABELS].mean().item() == pytest.approx(1)
    assert torch.equal(class_weights(LABELS, "sampling"), torch.ones(3))
