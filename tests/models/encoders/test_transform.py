"""Tiles are resized as Pillow does, within a grey level, cropped from the centre and normalised."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import nn

from tasks.models.encoders._transform import TileTransform, Transformed

PIXELS = data.immunohistochemistry()[100:164, 100:164]
IMAGE = torch.from_numpy(PIXELS).permute(2, 0, 1)[None].float() / 255


def prepared(image, **settings):
    plain = {"mean": (0, 0, 0), "std": (1, 1, 1)}
    return Transformed(TileTransform.model_validate({**plain, **settings}), nn.Identity())(image)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [56, 40, 100])
def test_a_resized_tile_of_tissue_is_within_a_grey_level_of_pillows(interpolation, side):
    how = Image.Resampling.BILINEAR if interpolation == "bilinear" else Image.Resampling.BICUBIC
    pillow = np.asarray(Image.fromarray(PIXELS).resize((side, side), how)).transpose(2, 0, 1) / 255
    ours = prepared(IMAGE, resize=side, interpolation=interpolation)[0].numpy()
    assert np.abs(ours - pillow).max() <= 1.05 / 255
    assert 0 <= ours.min() < ours.max() <= 1


def test_a_crop_is_of_the_centre_and_colours_are_normalised_after_it():
    found = prepared(IMAGE, crop=48, mean=(0.5, 0.25, 0.125), std=(0.5, 0.25, 0.25))
    inner = IMAGE[..., 8:56, 8:56]
    expected = torch.stack([inner[:, 0] * 2 - 1, inner[:, 1] * 4 - 1, inner[:, 2] * 4 - 0.5], dim=1)
    torch.testing.assert_close(found, expected)


def test_a_tile_of_the_right_size_is_not_touched():
    assert torch.equal(prepared(IMAGE, resize=64), IMAGE)
