"""Noise that knows nothing but seed, key and draw, and still is noise."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from tasks.functional.noise import derived_keys, normal, seed_of, uniform

KEYS = torch.arange(50, dtype=torch.int64)
_MASK = (1 << 64) - 1


def splitmix64(state: int) -> int:
    """The published finaliser in plain Python integers."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)


def test_the_hash_is_splitmix64():
    """The first output of the published generator seeded with 0 is 0xE220A8397B1DCDAF."""
    assert splitmix64(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF
    start = int(derived_keys(3, KEYS[7:8], 2)) & _MASK
    expected = [splitmix64((start + k * 0x9E3779B97F4A7C15) & _MASK) for k in (1, 2, 3)]
    units = uniform(3, KEYS[7:8], 2, (3,))[0]
    assert units.tolist() == [((value >> 11) + 0.5) * 2.0**-53 for value in expected]


def test_a_batch_is_its_tiles_one_by_one_in_any_order():
    together = normal(1, KEYS, 4, (3, 5, 7))
    alone = torch.cat([normal(1, KEYS[i : i + 1], 4, (3, 5, 7)) for i in range(50)])
    assert torch.equal(together, alone)
    assert torch.equal(normal(1, KEYS.flip(0), 4, (3, 5, 7)).flip(0), together)


def test_seed_key_and_draw_all_change_it():
    base = normal(0, KEYS[:1], 0, (64,))
    for other in (
        normal(1, KEYS[:1], 0, (64,)),
        normal(0, KEYS[1:2], 0, (64,)),
        normal(0, KEYS[:1], 1, (64,)),
    ):
        assert not torch.equal(base, other)


@pytest.mark.parametrize(("draw", "law"), [(uniform, stats.uniform()), (normal, stats.norm())])
def test_the_law_is_right(draw, law):
    values = draw(0, KEYS, 0, (2000,)).numpy().ravel()
    assert stats.kstest(values, law.cdf).pvalue > 0.01
    assert values.mean() == pytest.approx(law.mean(), abs=4 * law.std() / math.sqrt(values.size))
    assert values.std() == pytest.approx(law.std(), rel=0.02)


def test_streams_of_neighbours_are_uncorrelated():
    values = normal(0, torch.arange(200), 0, (500,)).numpy()
    draws = np.stack([normal(0, KEYS[:1], draw, (500,)).numpy()[0] for draw in range(200)])
    for table in (values, draws, values.T[:200]):
        correlation = np.corrcoef(table)[np.triu_indices(200, 1)]
        assert abs(correlation).max() < 5.5 / math.sqrt(table.shape[1])
        assert correlation.std() == pytest.approx(1 / math.sqrt(table.shape[1]), rel=0.05)
    flat = values.ravel()
    assert abs(np.corrcoef(flat[:-1], flat[1:])[0, 1]) < 0.015


def test_an_odd_number_of_values_is_a_prefix_in_shape_only():
    assert normal(0, KEYS, 0, (3, 3)).shape == (50, 3, 3)
    assert normal(0, KEYS, 0, (3, 3)).dtype == torch.float32
    assert torch.isfinite(normal(0, KEYS, 0, (999,))).all()


def test_seeds_of_names_differ_and_stay():
    assert seed_of(0, "a") != seed_of(0, "b") != seed_of("0a")
    assert 0 <= seed_of(5, "layer1.weight") < 2**63
    assert seed_of(0, "deletion") == seed_of(0, "deletion")


def test_no_global_generator_is_touched():
    state = torch.get_rng_state()
    normal(0, KEYS, 0, (10,))
    assert torch.equal(torch.get_rng_state(), state)
