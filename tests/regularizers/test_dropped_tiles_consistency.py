"""The divergence is that between the bag and what is left of it; which tiles are left is counted."""

import pytest
import torch

from tasks.functional.divergence import kl_divergence
from tasks.regularizers.dropped_tiles_consistency import DroppedTilesConsistency
from tests._support.training_steps import make_arm, make_step, random_bags, tiny_bag_classifier


def settled(method, batch=None):
    step = make_step(tiny_bag_classifier(), make_arm(method), batch)
    step.generator, step.settled = torch.Generator().manual_seed(0), True
    return step


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_of_each_bag_the_share_is_dropped_and_one_tile_stays(share):
    method = DroppedTilesConsistency(share=share)
    step = settled(method, random_bags(40))
    kept = method.kept(step)
    assert not (kept & ~step.mask).any()
    sizes = step.mask.sum(1)
    assert kept.sum(1).tolist() == [max(1, round(n * (1 - share))) for n in sizes.tolist()]


def test_another_draw_keeps_other_tiles():
    method = DroppedTilesConsistency()
    step = settled(method, random_bags(40))
    assert not torch.equal(method.kept(step), method.kept(step))


def test_the_term_is_the_divergence_and_the_whole_bag_has_no_gradient():
    method = DroppedTilesConsistency(weight=3, warmup=0, ramp=0)
    step = settled(method)
    terms, _ = method.loss_terms(step, {})
    step.generator.manual_seed(0)
    kept = method.kept(step)
    left = step.forward(step.inputs, kept).logits
    expected = 3 * kl_divergence(step.logits.detach(), left).mean()
    torch.testing.assert_close(terms["divergence"], expected)
    gradients = [
        torch.autograd.grad(value, step.model.network.head.weight, retain_graph=True)[0]
        for value in (terms["divergence"], expected)
    ]
    torch.testing.assert_close(*gradients)


def test_bags_of_one_tile_add_nothing():
    batch = random_bags(4)
    alone = type(batch)(batch.images[:, :1], batch.labels, batch.positions, 100, torch.ones(4, 1).bool())
    terms, _ = DroppedTilesConsistency(warmup=0, ramp=0).loss_terms(
        settled(DroppedTilesConsistency(), alone), {}
    )
    assert terms["divergence"].abs() < 1e-6
