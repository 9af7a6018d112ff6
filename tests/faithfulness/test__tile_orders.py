"""Orders of tiles: of the map, at random, and of equal darkness."""

from collections import Counter

import numpy as np
import torch

from tasks.faithfulness._tile_orders import DARKNESS, map_ranks, matched_ranks, random_ranks, strata_of
from tasks.samples.inputs import ABOUT
from tests._support.scored_bags import SIZES, made_bags, turned

CPU = torch.device("cpu")


def block_of(evidence):
    return evidence.block(evidence, np.arange(len(SIZES)), CPU)


def test_most_and_least_relevant_go_first_and_ties_go_alike():
    block = block_of(made_bags())
    most, least = map_ranks(block, block.attributions("true"), 0)
    for bag, size in enumerate(SIZES):
        values = block.attributions("true")[bag, :size]
        assert torch.equal(values[most[bag, :size].argsort()], values.sort(descending=True).values)
        assert torch.equal(least[bag, :size], size - 1 - most[bag, :size])
        assert (most[bag, size:] >= size).all()
    one, other = map_ranks(block, block.attributions("zeros"), 0)
    assert torch.equal(one, other)
    again, _ = map_ranks(block, block.attributions("zeros"), 1)
    assert not torch.equal(one, again)


def test_ties_and_draws_follow_the_tiles_when_a_bag_is_turned():
    block, back = block_of(made_bags()), block_of(turned(made_bags()))
    for ranks in (
        lambda b: map_ranks(b, b.attributions("zeros"), 0)[0][None],
        lambda b: random_ranks(b, 4, 0),
        lambda b: strata_of(b, b.bags.about[:, :, DARKNESS], 3)[None],
    ):
        for bag, size in enumerate(SIZES):
            own, other = ranks(block)[:, bag, :size], ranks(back)[:, bag, :size]
            assert torch.equal(own, other.flip(1))


def test_random_orders_are_permutations_in_pairs_of_reverses():
    block = block_of(made_bags())
    ranks = random_ranks(block, 6, 0)
    for bag, size in enumerate(SIZES):
        own = ranks[:, bag, :size]
        assert all(sorted(order) == list(range(size)) for order in own.tolist())
        assert torch.equal(own[3:], size - 1 - own[:3])
    long = ranks[:3, 0, : SIZES[0]].double()
    assert (torch.corrcoef(long) - torch.eye(3)).abs().max() < 0.6


def test_equally_dark_tiles_take_each_others_places():
    assert ABOUT[DARKNESS] == "darkness"
    block = block_of(made_bags())
    strata = strata_of(block, block.bags.about[:, :, DARKNESS], 4)
    ranks, _ = map_ranks(block, block.attributions("true"), 0)
    matched = matched_ranks(block, ranks, strata, 5, 0)
    for bag, size in enumerate(SIZES):
        sizes = Counter(strata[bag, :size].tolist())
        assert max(sizes.values()) - min(sizes.values()) <= 1
        for order in matched[:, bag, :size]:
            # At every place stands a tile of the stratum that stood there.
            assert torch.equal(strata[bag][order.argsort()], strata[bag][ranks[bag, :size].argsort()])
    assert not torch.equal(matched[0, 0], matched[1, 0])
    assert not torch.equal(matched[0, 0], ranks[0])
