"""Occlusion by sliding windows."""

from itertools import pairwise

import pytest
import torch
from captum.attr import Occlusion as CaptumOcclusion
from pydantic import ValidationError

from tasks.explainers.base import ExplanationError
from tasks.explainers.occlusion import Occlusion
from tasks.functional.passes import Passes
from tests._support.explained import AllMargins
from tests._support.small_networks import LinearNetwork, small_network

KEYS, TARGETS, ONES = torch.arange(3), torch.tensor([1, 0, 1]), torch.ones(3, dtype=torch.int64)
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(3, 3, 16, 16, generator=GENERATOR)
WEIGHT = torch.randn(3, 16, 16, generator=GENERATOR)


@pytest.mark.parametrize(
    ("windows", "overlap", "side", "stride"),
    [(4, 0.0, 4, 4), (7, 0.5, 4, 2), (3, 0.5, 8, 4), (1, 0.0, 16, 16)],
)
def test_it_is_captums_for_the_same_windows(windows, overlap, side, stride):
    model = small_network()
    maps = Occlusion(windows=windows, overlap=overlap)(model, IMAGES, TARGETS, KEYS)
    theirs = CaptumOcclusion(AllMargins(model.eval())).attribute(
        IMAGES, (3, side, side), strides=(3, stride, stride), baselines=1.0, target=TARGETS
    )
    torch.testing.assert_close(maps, theirs[:, 0].float(), rtol=1e-4, atol=1e-6)


def test_of_a_linear_model_windows_apart_hold_their_own_sums():
    maps = Occlusion(windows=2, overlap=0.0)(LinearNetwork(WEIGHT), IMAGES, ONES, KEYS)
    parts = (WEIGHT * (IMAGES - 1)).sum(1).view(3, 2, 8, 2, 8).sum((2, 4))
    expected = parts.repeat_interleave(8, 1).repeat_interleave(8, 2)
    torch.testing.assert_close(maps, expected, rtol=1e-4, atol=1e-4)


def test_windows_of_one_pixel_are_exact_on_a_linear_model():
    explainer = Occlusion(windows=16, overlap=0.0, baseline="blur", blur_px=2.0)
    there = explainer.baseline_images(LinearNetwork(WEIGHT), IMAGES)
    expected = (WEIGHT * (IMAGES - there)).sum(1)
    maps = explainer(LinearNetwork(WEIGHT), IMAGES, ONES, KEYS)
    torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("side", [8, 9, 11, 13, 30, 67, 96, 256])
@pytest.mark.parametrize("windows", [1, 2, 3, 5, 7, 8])
@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.5, 0.9])
def test_windows_reach_from_border_to_border_without_a_gap(side, windows, overlap):
    places = Occlusion(windows=windows, overlap=overlap)._along(side)
    assert len(places) == windows
    assert places[0].start == 0
    assert places[-1].stop == side
    for before, after in pairwise(places):
        assert before.start <= after.start <= before.stop <= after.stop
        assert overlap > 0 or after.start == before.stop
    lengths = [place.stop - place.start for place in places]
    assert 1 <= min(lengths) >= max(lengths) - 1


def test_an_oblong_tile_has_its_windows_along_each_side():
    weight = torch.randn(3, 8, 12, generator=GENERATOR)
    images = IMAGES[:, :, :8, :12]
    maps = Occlusion(windows=2, overlap=0.0)(LinearNetwork(weight), images, ONES, KEYS)
    corner = (weight * (images - 1))[:, :, :4, :6].sum((1, 2, 3))
    torch.testing.assert_close(maps[:, :4, :6], corner[:, None, None].expand(3, 4, 6), rtol=1e-4, atol=1e-4)


def test_more_windows_than_pixels_are_refused_with_a_sentence():
    with pytest.raises(ExplanationError, match="17 windows along a side of 16 px"):
        Occlusion(windows=17)(small_network(), IMAGES, TARGETS, KEYS)


@pytest.mark.parametrize(
    "wrong", [{"windows": 0}, {"overlap": 1.0}, {"overlap": -0.1}, {"baseline": "black"}]
)
def test_wrong_settings_are_refused(wrong):
    assert Occlusion(windows=3).passes() == Passes(10, 0)
    with pytest.raises(ValidationError):
        Occlusion(**wrong)
