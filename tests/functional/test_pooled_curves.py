"""Closed forms of removal: every one equals asking the pooled network about the smaller bag."""

import math

import pytest
import torch

from tasks.functional.gradients import target_margin
from tasks.functional.pooled_curves import drop_one, keep_one, removal_logits
from tasks.functional.pooled_terms import PooledTerms
from tasks.models.mil.abmil import Abmil

SIZES = (37, 1, 12, 2)
TARGET = torch.tensor([1, 0, 2, 1])
CLOSE = {"atol": 1e-9, "rtol": 1e-9}


def made_up(per_class=False, spread=1.0, classes=3):
    generator = torch.Generator().manual_seed(0)
    there = torch.arange(max(SIZES)) < torch.tensor(SIZES)[:, None]
    columns = classes if per_class else 1
    weights = spread * torch.randn(len(SIZES), max(SIZES), columns, generator=generator, dtype=torch.float64)
    votes = torch.randn(len(SIZES), max(SIZES), classes, generator=generator, dtype=torch.float64)
    bias = torch.randn(classes, generator=generator, dtype=torch.float64)
    return PooledTerms(weights.masked_fill(~there[:, :, None], -math.inf), votes * there[:, :, None], bias)


def orders(count=3):
    generator = torch.Generator().manual_seed(1)
    ranks = torch.full((count, len(SIZES), max(SIZES)), -1)
    for bag, size in enumerate(SIZES):
        for order in range(count):
            ranks[order, bag, :size] = torch.randperm(size, generator=generator)
        ranks[:, bag, size:] = torch.arange(size, max(SIZES))
    return ranks


def left(terms, bag, keep):
    """Return the logits of some tiles of one bag, asked one bag at a time."""
    keep = torch.as_tensor(keep, dtype=torch.long)
    return PooledTerms(terms.log_weights[bag, keep][None], terms.votes[bag, keep][None], terms.bias).logits[0]


@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize("spread", [1.0, 400.0], ids=["usual", "beyond_float64"])
def test_every_step_of_every_order_is_the_smaller_bag(per_class, spread):
    terms, ranks = made_up(per_class, spread), orders()
    found = removal_logits(terms, ranks)
    assert found.shape == (max(SIZES) + 1, 3, len(SIZES), 3)
    for bag, size in enumerate(SIZES):
        for order in range(3):
            for gone in range(max(SIZES) + 1):
                keep = [tile for tile in range(size) if ranks[order, bag, tile] >= gone]
                expected = left(terms, bag, keep)
                torch.testing.assert_close(found[gone, order, bag], expected, **CLOSE)


def test_some_steps_are_those_of_all():
    terms, ranks = made_up(), orders()
    counts = torch.tensor([[0, 0, 0, 0], [5, 1, 3, 1], [37, 1, 12, 2]])
    found, every = removal_logits(terms, ranks, counts), removal_logits(terms, ranks)
    for step, bags in enumerate(counts.tolist()):
        for bag, gone in enumerate(bags):
            assert torch.equal(found[step, :, bag], every[gone, :, bag])


def test_the_end_of_a_curve_loses_no_digits():
    """The last tile weighs 1e-15 of the bag: sums that subtract would leave nothing of it."""
    terms = PooledTerms(
        torch.tensor([0.0, 0.0, -34.0])[None, :, None].double(),
        torch.tensor([[1.0, -1.0], [2.0, 1.0], [3.0, 5.0]])[None].double(),
        torch.zeros(2).double(),
    )
    found = removal_logits(terms, torch.tensor([[[0, 1, 2]]]))
    torch.testing.assert_close(found[2, 0, 0], terms.votes[0, 2], rtol=1e-14, atol=0)


def test_an_empty_bag_has_the_bias():
    terms = made_up()
    found = removal_logits(terms, orders())[-1]
    assert torch.equal(found, terms.bias.expand_as(found))
    nothing = PooledTerms(torch.full((1, 4, 1), -math.inf), torch.zeros(1, 4, 2), torch.ones(2))
    assert torch.equal(removal_logits(nothing, torch.arange(4)[None, None])[2, 0, 0], torch.ones(2).double())


@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize("spread", [1.0, 400.0], ids=["usual", "beyond_float64"])
def test_one_tile_kept_and_one_dropped_are_asked_bags(per_class, spread):
    terms = made_up(per_class, spread)
    kept, dropped = keep_one(terms, TARGET), drop_one(terms, TARGET)
    for bag, size in enumerate(SIZES):
        target = TARGET[bag : bag + 1]
        whole, empty = left(terms, bag, list(range(size))), terms.bias
        for tile in range(size):
            alone = left(terms, bag, [tile])
            others = left(terms, bag, [other for other in range(size) if other != tile])
            margins = [target_margin(each[None], target)[0] for each in (alone, empty, whole, others)]
            torch.testing.assert_close(kept[bag, tile], margins[0] - margins[1], **CLOSE)
            expected = margins[2] - margins[3] if size > 1 else torch.tensor(math.nan).double()
            torch.testing.assert_close(dropped[bag, tile], expected, equal_nan=True, **CLOSE)
        assert (kept[bag, size:] == 0).all()
        assert (dropped[bag, size:] == 0).all()


def test_copies_of_a_tile_make_each_dispensable_and_keep_what_it_says_alone():
    bag = PooledTerms(
        torch.tensor([[[1.0], [0.0]]]), torch.tensor([[[-2.0, 2.0], [0.0, 0.0]]]), torch.zeros(2)
    )
    copied = PooledTerms(bag.log_weights[:, [0, 0, 0, 1]], bag.votes[:, [0, 0, 0, 1]], bag.bias)
    target = torch.tensor([1])
    assert drop_one(copied, target)[0, 0] < 0.3 * drop_one(bag, target)[0, 0]
    assert keep_one(copied, target)[0, 0] == keep_one(bag, target)[0, 0] == 4


def test_a_trained_kind_of_network_agrees_in_float64():
    network = Abmil(embed=8, attention=4).build(dim=5, classes=2, seed=0).double().eval()
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(1, 40, 5, generator=generator, dtype=torch.float64)
    mask = torch.ones(1, 40, dtype=torch.bool)
    ranks = torch.randperm(40, generator=generator)[None, None]
    with torch.no_grad():
        found = removal_logits(network.terms(features, mask), ranks)
        for gone in range(41):
            expected = network(features, mask & (ranks[0] >= gone))
            torch.testing.assert_close(found[gone, 0], expected, atol=1e-12, rtol=1e-12)
