"""The tissue control: stain and glass told apart in the image alone."""

import pytest
import torch

from tasks.explainers.tissue_mask import TissueMask
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tissue import saturation_of
from tests._support.small_networks import small_network

COLOURS = {
    "white": (255, 255, 255),
    "scanner grey": (240, 240, 242),
    "black": (0, 0, 0),
    "pale stroma": (235, 205, 228),
    "nucleus": (80, 66, 140),
}


def mask(images, **fields):
    count = len(images)
    keys, ones = torch.arange(count), torch.ones(count, dtype=torch.int64)
    return TissueMask(**fields)(small_network(), images, ones, keys)


@pytest.mark.parametrize(
    ("colour", "tissue"),
    [("white", 0.0), ("scanner grey", 0.0), ("black", 0.0), ("pale stroma", 1.0), ("nucleus", 1.0)],
)
def test_what_is_tissue(colour, tissue):
    images = torch.ones(1, 3, 4, 4)
    images[0, :, 1, 2] = torch.tensor(COLOURS[colour]) / 255
    expected = torch.zeros(1, 4, 4)
    expected[0, 1, 2] = tissue
    assert torch.equal(mask(images), expected)


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.2])
def test_it_is_the_rule_of_tiling_at_every_pixel(threshold):
    pixels = torch.randint(180, 256, (2, 16, 16, 3), generator=torch.Generator().manual_seed(0))
    images = pixels.permute(0, 3, 1, 2).float() / 255
    expected = saturation_of(pixels.numpy().astype("uint8")) > threshold
    assert mask(images, saturation=threshold).bool().tolist() == expected.tolist()
    assert 0.2 < expected.mean() <= 1


def test_the_default_is_the_lowest_threshold_of_tiling():
    assert TissueMask().saturation == TilingRecipe.model_fields["saturation_range"].default[0]
