"""Necessity beside sufficiency: what is counted by hand is in test_sufficiency.py."""

import numpy as np

from tasks.faithfulness.necessity import Necessity
from tests._support.scored_bags import judged, made_bags, network, values


def test_the_true_map_needs_fewer_tiles_than_noise_and_the_empty_bag_is_the_last_resort():
    model = network()
    bags = made_bags((80,) * 8, model=model)
    true, noise = (values(judged(bags, Necessity(), name, model), "tiles") for name in ("true", "noise"))
    assert (true < noise).all()
    assert (noise <= 80).all()
    assert np.isfinite(true).all()
