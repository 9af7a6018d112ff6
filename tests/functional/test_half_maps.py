"""Maps in half precision: exact scales, signs and order kept, nothing lost twice."""

import math

import numpy as np
import pytest
import torch

from tasks.functional.half_maps import half_maps, rounded_maps, whole_maps


def maps_of(seed: int, spread: float, size: float = 1.0) -> torch.Tensor:
    """Signed noise [5, 24, 24] over ``spread`` orders of magnitude."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(5, 24, 24, generator=generator)
    return noise * 10.0 ** (spread * (torch.rand(5, 24, 24, generator=generator) - 1)) * size


SIZES = (1.0, 3e38 / 6, 1e-30, 1e-38, 1e-43)


@pytest.mark.parametrize("size", SIZES)
def test_each_scale_is_the_power_of_two_that_fills_half_precision(size):
    maps = maps_of(0, 2, size)
    half, scale = half_maps(maps)
    assert half.dtype == torch.float16
    assert torch.isfinite(half).all()
    for largest, own in zip(maps.abs().amax((1, 2)).tolist(), scale.tolist(), strict=True):
        # The same by the standard library: math.frexp gives largest = m * 2**e with m in [0.5, 1).
        assert own == 2.0 ** max(math.frexp(largest)[1] - 15, -126)


@pytest.mark.parametrize("size", SIZES[:3])
@pytest.mark.parametrize("spread", [0.0, 2.0, 5.0])
def test_a_value_is_off_by_half_a_step_of_eleven_bits_at_most(size, spread):
    maps = maps_of(1, spread, size)
    found = rounded_maps(maps)
    assert ((found.double() - maps.double()).abs() <= maps.double().abs() * 2.0**-11).all()


@pytest.mark.parametrize("spread", [0.0, 4.0, 8.0])
@pytest.mark.parametrize("size", SIZES)
def test_signs_are_kept_and_no_two_values_change_their_order(size, spread):
    maps = maps_of(2, spread, size)
    found = rounded_maps(maps)
    for before, after in zip(maps.flatten(1), found.flatten(1), strict=True):
        assert (after[before.argsort()].diff() >= 0).all()
    assert (found * maps.sign() >= 0).all()


def test_what_came_back_is_kept_bit_for_bit():
    for seed, size in enumerate(SIZES):
        once = rounded_maps(maps_of(seed, 6, size))
        assert torch.equal(rounded_maps(once), once)


def test_numpy_gives_the_same_bits():
    maps = maps_of(3, 3)
    half, scale = half_maps(maps)
    right = (maps.numpy() / scale.numpy()[:, None, None]).astype(np.float16)
    np.testing.assert_array_equal(half.numpy(), right)
    restored = right.astype(np.float32) * scale.numpy()[:, None, None]
    np.testing.assert_array_equal(whole_maps(half, scale).numpy(), restored)


def test_empty_maps_and_no_maps_have_a_scale_of_one():
    assert half_maps(torch.zeros(2, 3, 3))[1].tolist() == [1.0, 1.0]
    half, scale = half_maps(torch.zeros(0, 3, 3))
    assert half.shape == (0, 3, 3)
    assert scale.shape == (0,)


def test_what_is_too_small_beside_the_largest_becomes_zero():
    one = torch.tensor([[[1.0, 2.0**-38, 2.0**-41]]])
    assert rounded_maps(one).tolist() == [[[1.0, 2.0**-38, 0.0]]]
