"""Clusters of the features of a bag, and how dark they are."""

import torch

from tasks.explainers.cluster_mean import ClusterMean
from tests._support.bags import DIM, bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(1)


def test_of_clear_clusters_it_is_the_mean_darkness_of_each():
    bags = ragged((30,))
    group = torch.arange(30) % 3
    centres = 50 * torch.eye(3, DIM)
    bags.features[0] = centres[group] + 0.1 * bags.features[0]
    found = ClusterMean(clusters=3)(bag_network(), bags, TARGETS, KEYS)[0]
    dark = bags.about[0, :, 2]
    for number in range(3):
        expected = dark[group == number].mean().expand(10)
        torch.testing.assert_close(found[group == number], expected)


def test_a_bag_of_few_tiles_has_one_cluster_per_tile():
    bags = ragged((4,))
    found = ClusterMean(clusters=8)(bag_network(), bags, TARGETS, KEYS)
    torch.testing.assert_close(found, bags.about[:, :, 2])


def test_equal_tiles_are_one_cluster():
    bags = ragged((9,))
    bags.features[0] = 1.0
    found = ClusterMean()(bag_network(), bags, TARGETS, KEYS)
    torch.testing.assert_close(found, bags.about[:, :, 2].mean().expand(1, 9))


def test_it_minimises_the_spread_within_clusters_better_than_chance():
    from tasks.explainers._clusters import clusters_of
    from tasks.samples.tile_names import named

    bags = named(ragged((200,)))
    tiles = bags.features[0]
    scaled = (tiles - tiles.mean(0)) / tiles.std(0, unbiased=False)

    def within(member: torch.Tensor) -> float:
        return sum(
            float((scaled[member == n] - scaled[member == n].mean(0)).square().sum()) for n in member.unique()
        )

    found = within(clusters_of(tiles, 8, 0, bags.tile_keys[0]))
    shuffled = within(torch.arange(200) % 8)
    assert found < 0.75 * shuffled
