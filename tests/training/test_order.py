"""What an epoch shows, and what each class weighs."""

import numpy as np
import pytest
import torch

from tasks.functional.noise import seed_of
from tasks.training.order import capped_positions, class_weights, epoch_order

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


def stream(seed=0):
    return lambda *what: torch.Generator().manual_seed(seed_of(seed, *what))


def epochs(balance, size, count, seed=0, labels=LABELS):
    return [
        capped_positions(labels, balance, range(e * size, (e + 1) * size), stream(seed)) for e in range(count)
    ]


@pytest.mark.parametrize("balance", ["weights", "none"])
@pytest.mark.parametrize("size", [7, 20, 64, 99])
def test_epochs_of_a_cap_show_every_tile_once_before_any_twice(balance, size):
    """Three rounds through 100 tiles, whatever part of them an epoch shows."""
    shown = np.concatenate(epochs(balance, size, -(-300 // size)))[:300]
    for number in range(3):
        assert sorted(shown[100 * number : 100 * (number + 1)]) == list(range(100))
    assert not np.array_equal(shown[:100], shown[100:200])


@pytest.mark.parametrize("size", [6, 7, 20, 98])
def test_a_cap_keeps_balanced_sampling(size):
    """Classes take turns, within one tile, and each shows all its tiles before any of them twice."""
    drawn = epochs("sampling", size, 40)
    for each in drawn:
        counts = LABELS[torch.from_numpy(each)].bincount(minlength=3)
        assert counts.sum() == size
        assert counts.max() - counts.min() <= 1
    shown = np.concatenate(drawn)
    labels = LABELS[torch.from_numpy(shown)].numpy()
    total = np.bincount(labels, minlength=3)
    assert total.max() - total.min() <= 1
    for k, count in enumerate((70, 20, 10)):
        times = np.bincount(shown, minlength=100)[LABELS.numpy() == k]
        assert set(times) <= {total[k] // count, total[k] // count + 1}
        assert len(set(labels[:6].tolist())) == 3


def test_an_epoch_of_a_cap_follows_from_seed_and_number_alone():
    """Any epoch can be drawn without those before it, which a resumed training relies on."""
    for balance in ("none", "sampling"):
        assert np.array_equal(epochs(balance, 30, 5)[4], epochs(balance, 30, 9)[4])
        assert not np.array_equal(epochs(balance, 30, 5)[4], epochs(balance, 30, 5, seed=1)[4])
    one = torch.zeros(1, dtype=torch.int64)
    assert epochs("none", 3, 1, labels=one)[0].tolist() == [0, 0, 0]
