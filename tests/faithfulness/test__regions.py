"""Regions go as one, in an order that depends on the tile alone."""

import numpy as np
import pytest
import torch

from tasks.faithfulness._regions import grid_regions, region_ranks, superpixels

KEYS = torch.tensor([11, 22])


def halves(count: int = 1, seed: int = 0) -> np.ndarray:
    """Return uint8 [count, 32, 32, 3]: purple on the left, pink on the right, and some noise."""
    images = np.where(np.arange(32)[:, None] < 16, [90, 50, 130], [230, 190, 210])
    images = np.broadcast_to(images, (count, 32, 32, 3))
    return (images + np.random.default_rng(seed).integers(-8, 9, images.shape)).astype(np.uint8)


def test_the_squares_of_a_grid_and_what_is_left_at_its_edges():
    expected = [
        [0, 0, 0, 1, 1, 1, 2],
        [0, 0, 0, 1, 1, 1, 2],
        [0, 0, 0, 1, 1, 1, 2],
        [3, 3, 3, 4, 4, 4, 5],
        [3, 3, 3, 4, 4, 4, 5],
    ]
    assert grid_regions(5, 7, 3).tolist() == expected


def test_regions_queue_by_their_means_and_share_the_mean_of_their_places():
    """Means 2 (two pixels), 5 (one) and 4 (three): places 0, then 1 to 3, then 4 and 5."""
    regions = torch.tensor([[0, 1, 2, 2, 0, 2]])
    values = torch.tensor([[3.0, 5.0, 9.0, 1.0, 1.0, 2.0]])
    ranks = region_ranks(values, regions, 3, 0, KEYS[:1])
    assert ranks.tolist() == [[4.5, 0.0, 2.0, 2.0, 4.5, 2.0]]
    turned = region_ranks(-values, regions, 3, 0, KEYS[:1])
    assert (5 - ranks).tolist() == turned.tolist()


def test_single_pixels_are_the_ranks_of_pixels():
    values = torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    ranks = region_ranks(values, torch.arange(64).expand(2, -1), 64, 0, KEYS)
    assert (ranks.gather(1, values.argsort(1, descending=True)) == torch.arange(64)).all()


def test_means_do_not_depend_on_where_in_its_region_a_value_lies():
    """Sums of floats do, in their last bit, and a last bit is a rank."""
    generator = torch.Generator().manual_seed(1)
    values, keys = torch.randn(1, 300, generator=generator), torch.arange(1)
    regions = (torch.arange(300) // 100)[None]
    values[:, 100:200] = values[:, torch.randperm(100, generator=generator)]
    values[:, 200:] = values[:, torch.randperm(100, generator=generator)]
    orders = set()
    for seed in range(40):
        ranks = region_ranks(values, regions, 3, seed, keys)
        orders.add(tuple(ranks[0, [0, 100, 200]].argsort().tolist()))
    assert len(orders) == 6


def test_regions_of_one_value_are_ties_whatever_their_size():
    """0.1 added thrice is not thrice 0.1; the seed decides, and each comes first about as often."""
    regions = torch.tensor([[0] * 3 + [1] * 7]).expand(400, -1)
    values = torch.full((400, 10), 0.1)
    first = region_ranks(values, regions, 2, 0, torch.arange(400))[:, 0] == 1.0
    assert 160 < int(first.sum()) < 240
    other = region_ranks(values, regions, 2, 1, torch.arange(400))[:, 0] == 1.0
    assert not torch.equal(first, other)


def test_a_map_of_zeros_is_all_ties():
    ranks = region_ranks(torch.zeros(1, 8), torch.arange(8)[None] // 4, 2, 0, KEYS[:1])
    assert sorted(set(ranks[0].tolist())) == [1.5, 5.5]


def test_a_tile_queues_alike_alone_and_beside_one_of_more_regions():
    values = torch.randn(2, 64, generator=torch.Generator().manual_seed(2)).round()
    few, many = torch.arange(64) // 16, torch.arange(64) // 2
    together = region_ranks(values, torch.stack([few, many]), 32, 0, KEYS)
    assert torch.equal(together[:1], region_ranks(values[:1], few[None], 4, 0, KEYS[:1]))
    assert torch.equal(together[1:], region_ranks(values[1:], many[None], 32, 0, KEYS[1:]))


def test_superpixels_keep_to_what_is_seen():
    labels = superpixels(halves(), 8)[0]
    assert not set(labels[:, :16].unique().tolist()) & set(labels[:, 16:].unique().tolist())
    assert labels.unique().tolist() == list(range(int(labels.max()) + 1))
    assert 8 <= int(labels.max()) + 1 <= 24


def test_superpixels_of_bare_glass_are_as_many_as_asked_for():
    labels = superpixels(np.full((1, 32, 32, 3), 255, np.uint8), 8)[0]
    sizes = labels.unique(return_counts=True)[1]
    assert len(sizes) == 16
    assert (sizes - 64).abs().max() < 32


def test_superpixels_depend_on_their_own_image_alone():
    images = np.concatenate([halves(2, seed=1), halves(1, seed=2)[:, :, ::-1]])
    together = superpixels(images, 8)
    for number in range(3):
        assert torch.equal(superpixels(images[number : number + 1], 8)[0], together[number])
    assert not torch.equal(together[0], together[2])
    assert torch.equal(superpixels(images, 8), together)


def test_superpixels_of_floats_are_those_of_bytes():
    images = halves(2)
    floats = np.moveaxis(np.moveaxis(images, 3, 1).astype(np.float32) / 255, 1, 3)
    assert torch.equal(superpixels(floats, 8), superpixels(images, 8))


@pytest.mark.parametrize("region_px", [2, 100])
def test_regions_as_small_as_pixels_or_larger_than_the_tile(region_px):
    labels = superpixels(halves(), region_px)
    assert labels.shape == (1, 32, 32)
    assert (int(labels.max()) == 0) == (region_px == 100)
