"""The sufficient set: counted by hand, and the same in closed form as by asking about every bag."""

import numpy as np
import pytest
import torch
from torch import nn

from tasks.explaining.sufficient import sufficient_tiles
from tests._support.bag_models import small_models, trained_bag_classifier
from tests._support.feature_sets import make_bag_cohort


class MeanOfFirst(nn.Module):
    """Calls class 1 where the mean of the first feature is above 1."""

    def forward(self, features, mask):
        mean = (features[..., 0] * mask).sum(1) / mask.sum(1).clamp(min=1)
        return torch.stack([torch.ones_like(mean), mean], 1)


class Unpooled(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, features, mask):
        return self.model(features, mask)


def bag(*first):
    features = np.zeros((len(first), 2), np.float32)
    features[:, 0] = first
    return features


def test_a_count_worked_by_hand():
    features = bag(0, 9, 0, 3, 0)
    assert sufficient_tiles(MeanOfFirst(), features, features[:, 0]) == 1
    # In the reverse order all tiles are needed: 0, 0, 0, 3 and then 9.
    assert sufficient_tiles(MeanOfFirst(), features, -features[:, 0]) == 5
    # A negative slide is called so by its first tile.
    assert sufficient_tiles(MeanOfFirst(), bag(0, 0, 0), np.zeros(3)) == 1


def test_tiles_without_a_value_come_last_and_a_bag_without_any_has_no_set():
    values = np.array([np.nan, 0.0, -1.0])
    assert sufficient_tiles(MeanOfFirst(), bag(9, 0, 0), values) == 3
    assert sufficient_tiles(MeanOfFirst(), bag(9, 0, 0), np.full(3, np.nan)) is None
    assert sufficient_tiles(MeanOfFirst(), bag(), np.empty(0)) is None


@pytest.mark.parametrize("model", small_models(), ids=lambda model: model.name)
def test_the_closed_form_is_what_asking_about_every_bag_gives(model, tmp_path):
    sets = make_bag_cohort(tmp_path, patients=8)
    classifier = trained_bag_classifier(model, sets, steps=20)
    generator = np.random.default_rng(1)
    for each in sets:
        features = each.features()
        values = generator.normal(size=len(features)).astype(np.float32)
        found = sufficient_tiles(classifier, features, values)
        assert found == sufficient_tiles(Unpooled(classifier), features, values)
        assert 1 <= found <= len(features)
