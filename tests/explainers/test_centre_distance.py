"""The distance of tiles from the middle of their bag."""

import torch

from tasks.explainers.centre_distance import CentreDistance
from tests._support.bags import bag_network, keys_and_targets, ragged

TARGETS, KEYS = keys_and_targets(2)


def test_it_is_minus_the_distance_in_micrometres():
    bags = ragged((4, 1))
    bags.about[0, :4, :2] = torch.tensor([[0.0, 0.0], [60.0, 0.0], [0.0, 80.0], [60.0, 80.0]]) + 1e5
    found = CentreDistance()(bag_network(), bags, TARGETS, KEYS)
    torch.testing.assert_close(found[0], torch.full((4,), -50.0))
    assert found[1, 0] == 0


def test_it_needs_both_coordinates():
    bags = ragged((4, 1))
    bags.about[1, 0, 1] = float("nan")
    assert CentreDistance().unavailable(bags) == ["", "y_um not known of every tile"]
    bags.about[1, 0, 0] = float("nan")
    assert CentreDistance().unavailable(bags)[1] == "x_um and y_um not known of every tile"


def test_the_middle_comes_first_in_metrics_too():
    """Ranked by magnitude, as other blind maps are, its distances would put the border first."""
    from tasks.faithfulness.tile_deletion import TileDeletion

    metric = TileDeletion().for_maps(CentreDistance().map_kind, 2)
    assert metric.ranked_by == "signed"
