"""Imputation against neighbours weighed by hand and against a direct sparse solution."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tasks.functional import imputation
from tasks.functional.blur import gaussian_blur
from tasks.functional.imputation import ImputationError, imputed
from tasks.functional.ranking import descending_ranks
from tests._support.sparse_imputation import directly

COLOUR = torch.tensor([0.7, 0.5, 0.6])


def images_of(count: int, height: int, width: int) -> Tensor:
    """Smooth colour with grain."""
    drawn = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))
    return (0.3 * drawn + 0.7 * gaussian_blur(drawn, 3.0).sub(0.5).mul(4).add(0.5)).clamp(0, 1)


def removed_of(count: int, height: int, width: int, share: float, blur_px: float) -> Tensor:
    """A share of the pixels: scattered without blur, in patches with it."""
    values = torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(1))
    values = gaussian_blur(values, blur_px) if blur_px else values
    ties = torch.arange(height * width).expand(count, -1)
    ranks = descending_ranks(values.flatten(1), ties)
    return (ranks < share * height * width).view(count, height, width)


@pytest.mark.parametrize("blur_px", [0.0, 4.0])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (17, 29)])
def test_it_agrees_with_a_direct_sparse_solution(height, width, share, blur_px):
    images, removed = images_of(2, height, width), removed_of(2, height, width, share, blur_px)
    found = imputed(images, removed, COLOUR)
    for image, gone, result in zip(images, removed, found, strict=True):
        exact = directly(image.double().numpy(), gone.numpy())
        np.testing.assert_allclose(result.numpy(), exact, atol=5e-5, rtol=0)


def test_a_wide_hole_that_reaches_the_border_agrees_too():
    """Only a corner is known: news must cross the whole image."""
    images = images_of(1, 64, 64)
    removed = torch.ones(1, 64, 64, dtype=torch.bool)
    removed[:, :6, :9] = False
    exact = directly(images[0].double().numpy(), removed[0].numpy())
    np.testing.assert_allclose(imputed(images, removed, COLOUR)[0].numpy(), exact, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("place", "weights"),
    [
        ((2, 2), {(1, 2): 2, (3, 2): 2, (2, 1): 2, (2, 3): 2, (1, 1): 1, (1, 3): 1, (3, 1): 1, (3, 3): 1}),
        ((0, 2), {(0, 1): 2, (0, 3): 2, (1, 2): 2, (1, 1): 1, (1, 3): 1}),
        ((4, 4), {(3, 4): 2, (4, 3): 2, (3, 3): 1}),
    ],
)
def test_one_pixel_is_the_weighted_mean_of_the_neighbours_it_has(place, weights):
    images = images_of(1, 5, 5)
    removed = torch.zeros(1, 5, 5, dtype=torch.bool)
    removed[0, *place] = True
    total = sum(weights.values())
    expected = sum(weight / total * images[0, :, y, x] for (y, x), weight in weights.items())
    found = imputed(images, removed, COLOUR)[0, :, *place]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_two_removed_neighbours_count_on_each_other():
    """In a row of pixels 0, ?, ?, 1 the unknown ones are a third and two thirds."""
    images = torch.tensor([0.0, 0.9, 0.9, 1.0]).expand(1, 3, 1, 4).contiguous()
    removed = torch.tensor([[[False, True, True, False]]])
    found = imputed(images, removed, COLOUR)
    torch.testing.assert_close(found[0, :, 0], torch.tensor([0, 1 / 3, 2 / 3, 1]).expand(3, 4))


def test_a_slope_goes_on_through_a_hole():
    """Each pixel of a plane is the mean of its neighbours, so a hole that keeps off the border is undone."""
    slope = torch.linspace(0, 0.6, 40)[:, None] + torch.linspace(0.4, 0, 24)[None]
    images = torch.stack([slope, 1 - slope, slope / 2])[None]
    removed = torch.zeros(1, 40, 24, dtype=torch.bool)
    removed[:, 3:37, 2:20] = True
    holed = torch.where(removed, 0.123, images)
    torch.testing.assert_close(imputed(holed, removed, COLOUR), images, atol=2e-5, rtol=0)


def test_what_stood_in_the_removed_pixels_does_not_matter_and_what_is_known_keeps_its_bytes():
    images, removed = images_of(2, 16, 16), removed_of(2, 16, 16, 0.6, 2.0)
    found = imputed(images, removed, COLOUR)
    assert torch.equal(imputed(torch.where(removed[:, None], 0.0, images), removed, COLOUR), found)
    known = ~removed[:, None].expand_as(images)
    assert torch.equal(found[known], images[known])
    assert not torch.equal(found, images)


def test_nothing_removed_is_the_image_and_everything_removed_is_the_colour():
    images = images_of(3, 16, 16)
    removed = removed_of(3, 16, 16, 0.5, 2.0)
    removed[0], removed[2] = False, True
    found = imputed(images, removed, COLOUR)
    assert torch.equal(found[0], images[0])
    assert torch.equal(found[2], COLOUR.view(3, 1, 1).expand(3, 16, 16))
    torch.testing.assert_close(found[1], imputed(images[1:2], removed[1:2], COLOUR)[0], atol=1e-6, rtol=0)


def test_a_channel_that_is_solved_at_once_waits_for_the_others():
    """A constant channel has nothing to solve: 0 / 0 if it went on."""
    images, removed = images_of(1, 16, 16), removed_of(1, 16, 16, 0.8, 2.0)
    images[:, 1] = 0.25
    found = imputed(images, removed, COLOUR)
    torch.testing.assert_close(found[:, 1], images[:, 1], atol=1e-6, rtol=0)
    assert torch.isfinite(found).all()


def test_the_values_stay_among_those_that_are_known():
    images, removed = images_of(4, 24, 24), removed_of(4, 24, 24, 0.9, 3.0)
    found = imputed(images, removed, COLOUR)
    known = torch.where(removed[:, None], torch.nan, images).flatten(2)
    for one, values in zip(found.flatten(0, 1), known.flatten(0, 1), strict=True):
        kept = values[~values.isnan()]
        assert one.min() >= kept.min() - 1e-5
        assert one.max() <= kept.max() + 1e-5


def test_company_and_order_do_not_matter():
    """Images that settle at once stand beside some that take long, in several chunks."""
    images = images_of(40, 32, 32)
    shares = torch.linspace(0.02, 0.95, 40).view(-1, 1, 1)
    places = torch.rand(40, 1, 32, 32, generator=torch.Generator().manual_seed(2))
    removed = (
        gaussian_blur(places, 3.0)[:, 0].flatten(1).argsort(1).argsort(1).view(40, 32, 32) < shares * 1024
    )
    whole = imputed(images, removed, COLOUR)
    turned = imputed(images.flip(0), removed.flip(0), COLOUR).flip(0)
    alone = torch.cat([imputed(images[i : i + 1], removed[i : i + 1], COLOUR) for i in range(40)])
    torch.testing.assert_close(turned, whole, atol=2e-6, rtol=0)
    torch.testing.assert_close(alone, whole, atol=2e-6, rtol=0)
    assert torch.equal(imputed(images, removed, COLOUR), whole)


def test_no_images_are_no_work():
    empty = torch.empty(0, 3, 8, 8)
    assert imputed(empty, torch.empty(0, 8, 8, dtype=torch.bool), COLOUR).shape == empty.shape


def test_double_precision_stays_and_agrees():
    images, removed = images_of(1, 24, 24).double(), removed_of(1, 24, 24, 0.9, 3.0)
    found = imputed(images, removed, COLOUR)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found[0], directly(images[0].numpy(), removed[0].numpy()), atol=5e-5, rtol=0)


def test_the_width_of_a_hole_hardly_changes_the_steps(monkeypatch):
    """Plain conjugate gradients cannot do it in fewer steps than the hole is wide."""
    steps: list[int] = []
    step = imputation._Descent.step
    monkeypatch.setattr(
        imputation._Descent, "step", lambda self, system: (steps.append(1), step(self, system))
    )
    needed = []
    for size in (32, 128):
        steps.clear()
        removed = torch.ones(1, size, size, dtype=torch.bool)
        removed[:, :, 0] = False
        imputed(images_of(1, size, size), removed, COLOUR)
        needed.append(len(steps))
    assert needed[1] < 2 * needed[0]
    assert needed[1] < 64


def test_a_value_that_is_not_finite_is_refused():
    images, removed = images_of(2, 8, 8), removed_of(2, 8, 8, 0.5, 0.0)
    images[1, 0][~removed[1]] = torch.nan
    with pytest.raises(ImputationError, match="not finite"):
        imputed(images, removed, COLOUR)
