"""A map on networks that never learned what it explains."""

import numpy as np
import torch

from tasks.faithfulness.random_head_deletion import RandomHeadDeletion
from tasks.faithfulness.tile_deletion import TileDeletion
from tests._support.scored_bags import judged, made_bags, network, values


def test_the_gap_on_fresh_networks_is_near_zero_and_far_from_that_on_its_own():
    bags = made_bags((60,) * 6)
    fresh = judged(bags, RandomHeadDeletion(draws=24), "true")
    own = values(judged(bags, TileDeletion(), "true"), "srg")
    found = values(fresh, "srg")
    errors = fresh.scores.loc[fresh.scores["score"] == "srg", "error"].to_numpy()
    assert (np.abs(found) < 3 * errors).all()
    assert np.abs(found).mean() < 0.5 * own.mean()


def test_the_last_layer_alone_is_another_question_and_the_seed_counts():
    bags = made_bags((40,))
    scores = [
        values(judged(bags, RandomHeadDeletion(**settings), "true"), "srg")[0]
        for settings in ({}, {"layers": "last"}, {"seed": 100})
    ]
    assert len(set(scores)) == 3


def test_one_network_by_hand():
    """The last layer becomes the fresh one; the curve is that of a network that has it from the start."""
    from tasks.functional.randomised_layers import randomised_layers

    model, bags = network(), made_bags((30,))
    metric = RandomHeadDeletion(layers="last", draws=2)
    found = values(judged(bags, metric, "true", model), "srg")[0]
    names = [name for name, _ in model.named_parameters() if ".head." in name]
    gaps = []
    for seed in range(2):
        other = network()
        with randomised_layers(other, names, seed), torch.no_grad():
            gaps.append(values(judged(bags, TileDeletion(), "true", other), "srg")[0])
    assert np.isclose(found, np.mean(gaps), atol=1e-9)
