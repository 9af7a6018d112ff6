"""The middle of larger images."""

import pytest
import torch

from tasks.functional.halo import images_at_once, middle, put_in_middle


def test_the_middle_is_what_the_halo_surrounds():
    values = torch.arange(2 * 7 * 7.0).view(2, 7, 7)
    torch.testing.assert_close(middle(values, 2), values[:, 2:5, 2:5])
    assert middle(values, 0) is values


def test_images_are_put_in_the_middle_of_a_copy():
    around, images = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 4, 4)
    before = around.clone()
    placed = put_in_middle(around, images, 2)
    assert torch.equal(middle(placed, 2), images)
    assert torch.equal(around, before)
    ring = torch.ones(8, 8, dtype=torch.bool)
    ring[2:6, 2:6] = False
    assert torch.equal(placed[..., ring], around[..., ring])


@pytest.mark.parametrize(
    ("halo_px", "batch", "at_once"), [(0, 64, 64), (16, 64, 28), (32, 64, 16), (64, 4, 1)]
)
def test_fewer_of_the_larger_images_take_the_same_memory(halo_px, batch, at_once):
    assert images_at_once(batch, 64, halo_px) == at_once
    assert at_once * (64 + 2 * halo_px) ** 2 <= max(batch * 64**2, (64 + 2 * halo_px) ** 2)
