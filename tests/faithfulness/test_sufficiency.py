"""The fewest tiles that are enough, on models whose calls are counted by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from tasks.faithfulness.necessity import NEVER, Necessity
from tasks.faithfulness.sufficiency import Sufficiency
from tests._support.scored_bags import judged, made_bags, values

OTHER = "the model does not call the slide the explained class"


class AtLeast(nn.Module):
    """Calls the second class where at least ``tiles`` tiles have a first feature above 0."""

    def __init__(self, tiles: int, empty: float = 0.0) -> None:
        super().__init__()
        self.tiles, self.empty = tiles, empty

    def forward(self, features, mask):
        count = ((features[:, :, 0] > 0) & mask).sum(1).float()
        margin = torch.where(mask.any(1), count - self.tiles + 0.5, self.empty - 0.5)
        return torch.stack([torch.zeros_like(margin), margin], dim=1)


def bags_of(positive: int, size: int = 40):
    """Return a bag of which ``positive`` tiles have a first feature above 0, and the map that says so."""
    bags = made_bags((size,))
    bags.features[0][:, 0] = -1
    bags.features[0][5 : 5 + positive, 0] = 1
    bags.attributions["true"][0][:] = bags.features[0][:, 0]
    return bags


@pytest.mark.parametrize("steps", [64, "all"])
def test_numbers_of_tiles_are_those_counted_by_hand(steps):
    model, bags = AtLeast(3), bags_of(positive=9)
    enough = judged(bags, Sufficiency(steps=steps), "true", model)
    needed = judged(bags, Necessity(steps=steps), "true", model)
    # Three of nine are enough; without seven of nine, two are left.
    assert values(enough, "tiles").tolist() == [3]
    assert values(enough, "share").tolist() == [3 / 40]
    assert values(needed, "tiles").tolist() == [7]
    assert values(needed, "share").tolist() == [7 / 40]


def test_the_opposite_map_needs_nearly_all_tiles():
    model, bags = AtLeast(3), bags_of(positive=9)
    bags.attributions["true"][0][:] *= -1
    assert values(judged(bags, Sufficiency(), "true", model), "tiles").tolist() == [31 + 3]
    assert values(judged(bags, Necessity(), "true", model), "tiles").tolist() == [31 + 7]


def test_a_call_that_never_changes_has_no_number_and_a_reason():
    model, bags = AtLeast(0, empty=1.0), bags_of(positive=9)
    result = judged(bags, Necessity(), "true", model)
    assert np.isnan(values(result, "tiles")).all()
    assert result.info.excluded[NEVER] == 1
    # What is not needed is enough at once.
    assert values(judged(bags, Sufficiency(), "true", model), "tiles").tolist() == [1]


@pytest.mark.parametrize("metric", [Sufficiency(), Necessity()], ids=lambda metric: metric.id)
def test_slides_that_are_called_otherwise_are_not_judged(metric):
    result = judged(bags_of(positive=2), metric, "true", AtLeast(3))
    assert np.isnan(values(result, "tiles")).all()
    assert result.info.excluded[OTHER] == 1
