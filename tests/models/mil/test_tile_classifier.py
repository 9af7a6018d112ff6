"""A bag of one tile has the answer of its tile, and both ways to put tiles together have known answers."""

import math

import pytest
import torch

from tasks.models.mil.tile_classifier import TileClassifier

DIM, CLASSES = 5, 3


def tiles(count, seed=0):
    return torch.randn(count, DIM, generator=torch.Generator().manual_seed(seed))


def ones(*shape):
    return torch.ones(shape, dtype=torch.bool)


@pytest.mark.parametrize("hidden", [0, 6])
def test_the_mean_is_that_of_the_bags_of_one_tile(hidden):
    network = TileClassifier(hidden=hidden, aggregation="mean").build(DIM, CLASSES, seed=2).eval()
    alone = network(tiles(9)[:, None], ones(9, 1))
    torch.testing.assert_close(network(tiles(9)[None], ones(1, 9))[0], alone.mean(0))
    torch.testing.assert_close(alone, network.head(network.body(tiles(9))))


def test_the_top_share_is_the_mean_of_the_highest_centred_logits_of_each_class():
    network = TileClassifier(aggregation="top_share", share=0.3).build(DIM, CLASSES, seed=2).eval()
    logits = network.head(tiles(11))
    centred = logits - logits.mean(1, keepdim=True)
    expected = centred.sort(0, descending=True).values[: math.ceil(0.3 * 11)].mean(0)
    torch.testing.assert_close(network(tiles(11)[None], ones(1, 11))[0], expected)


def test_a_tile_alone_has_the_probabilities_of_its_logits_under_both():
    kinds = [
        TileClassifier(aggregation=kind).build(DIM, CLASSES, seed=2).eval() for kind in ("mean", "top_share")
    ]
    first, second = (network(tiles(4)[:, None], ones(4, 1)).softmax(1) for network in kinds)
    torch.testing.assert_close(first, second)


def test_a_share_is_of_the_tiles_that_are_there():
    """0.1 of 30 tiles is 3, also in floating point, and padding counts for nothing."""
    network = TileClassifier(aggregation="top_share").build(DIM, CLASSES, seed=2).eval()
    padded = torch.cat([tiles(30), torch.full((30, DIM), 1e3)])[None]
    mask = torch.arange(60)[None] < 30
    logits = network.head(tiles(30))
    centred = (logits - logits.mean(1, keepdim=True)).sort(0, descending=True).values
    torch.testing.assert_close(network(padded, mask)[0], centred[:3].mean(0))
    assert not torch.allclose(centred[:3].mean(0), centred[:4].mean(0))
