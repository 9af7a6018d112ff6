"""RISE with the mean taken off."""

import pytest
import torch
from pydantic import ValidationError

from tasks.explainers.rise import Rise
from tasks.functional.tile_keys import tile_keys
from tests._support.explained import margins
from tests._support.small_networks import LinearNetwork, small_network

KEYS, TARGETS, ONES = tile_keys(["a", "b", "c"]), torch.tensor([1, 0, 1]), torch.ones(3, dtype=torch.int64)
IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
RISE = Rise(draws=20, cells=4, keep=0.4, seed=2)


def test_it_is_the_published_weight_less_the_mean():
    model = small_network()
    maps = RISE(model, IMAGES, TARGETS, KEYS)
    masks = torch.stack([RISE.masks(KEYS, draw, IMAGES) for draw in range(20)])
    shown = [mask[:, None] * IMAGES + (1 - mask[:, None]) for mask in masks]
    values = torch.stack([margins(model, images, TARGETS) for images in shown])
    published = (values[..., None, None] * masks).mean(0) / 0.4
    level = values.mean(0)[:, None, None] * masks.mean(0) / 0.4
    torch.testing.assert_close(maps, published - level, rtol=1e-3, atol=1e-6)


def test_a_model_that_sees_nothing_has_an_empty_map():
    """The published weight would give its constant margin, mottled by the masks."""
    model = LinearNetwork(torch.zeros(3, 16, 16))
    assert RISE(model, IMAGES, ONES, KEYS).eq(0).all()
    reference = RISE.baseline_images(model, IMAGES)
    assert RISE(small_network(), reference, TARGETS, KEYS).abs().max() < 1e-6


def test_of_one_pixel_that_counts_the_value_is_known():
    """Margin -3 x mask: its covariance with the mask over keep is -3 (1 - keep) 4/9, for a mask joined
    linearly between independent nodes has 2/3 of their variance along each side."""
    weight = torch.zeros(1, 16, 16)
    weight[0, 5, 9] = 3.0
    keys, images = torch.arange(200), torch.zeros(200, 1, 16, 16)
    explainer = Rise(draws=100, cells=4, keep=0.3)
    maps = explainer(LinearNetwork(weight), images, torch.ones(200, dtype=torch.int64), keys).mean(0)
    assert maps[5, 9].item() == pytest.approx(-3 * 0.7 * 4 / 9, rel=0.05)
    assert maps.argmin().item() == 5 * 16 + 9
    # Two cells away, no node is shared.
    assert maps[14, 1].abs() < 0.05


@pytest.mark.parametrize("cells", [1, 3, 8])
def test_every_pixel_is_kept_alike(cells):
    keys, images = torch.arange(3000), torch.zeros(3000, 1, 10, 12)
    masks = Rise(cells=cells, keep=0.3).masks(keys, 0, images)
    assert masks.shape == (3000, 10, 12)
    assert masks.min() >= 0
    assert masks.max() <= 1 + 1e-6
    assert (masks.mean(0) - 0.3).abs().max() < 0.04


def test_masks_are_of_the_tile_and_the_draw():
    first = RISE.masks(KEYS, 0, IMAGES)
    assert torch.equal(RISE.masks(KEYS.flip(0), 0, IMAGES).flip(0), first)
    assert not torch.allclose(first[0], first[1])
    assert not torch.allclose(RISE.masks(KEYS, 1, IMAGES), first)


@pytest.mark.parametrize("wrong", [{"draws": 1}, {"cells": 0}, {"keep": 0.0}, {"keep": 1.0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        Rise(**wrong)
