"""Tiles too small for bfloat16 on a CPU are refused, and no others."""

import pytest
import torch

from tasks.training.errors import TrainingDataError
from tasks.training.half_precision import refuse_tiny_maps
from tests._support.small_networks import small_network, state_of
from tests._support.training_steps import tiny_classifier


@pytest.mark.parametrize(("tile_px", "layer"), [(16, "layer3.0.conv2"), (32, "layer4.0.conv2")])
def test_a_map_of_one_pixel_is_refused(tile_px, layer):
    with pytest.raises(TrainingDataError, match=f"cannot train network.{layer} of tiles of {tile_px} px"):
        refuse_tiny_maps(tiny_classifier(), tile_px)


def test_one_by_one_kernels_and_larger_maps_are_not():
    refuse_tiny_maps(tiny_classifier(), 64)
    refuse_tiny_maps(torch.nn.Conv2d(3, 2, 1), 1)


def test_the_network_is_left_as_it_was():
    model = small_network()
    before = state_of(model)
    refuse_tiny_maps(model, 8)
    assert state_of(model) == before
