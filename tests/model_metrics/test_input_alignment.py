"""Image and gradient of networks whose gradient is known."""

import numpy as np
import pytest
import torch

from tasks.model_metrics.base import MeasureSettings, measure_model
from tasks.model_metrics.input_alignment import InputAlignment, alignments
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set

WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)) / 10


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return MeasuredTiles(
        [make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "test", 10)], ("normal", "tumour")
    )


def scores_of(model, tiles, **settings):
    report = measure_model(InputAlignment(**settings), model, tiles, MeasureSettings(1))
    table = report.measured.scores
    return table.pivot(index="unit_id", columns="score", values="value").loc[tiles.table["tile_id"]], report


def pixels_of(tiles, number):
    return torch.tensor(tiles.pixels(tiles.table.index[number])).permute(2, 0, 1).double() / 255


@pytest.mark.parametrize(("origin", "level"), [("black", 0.0), ("white", 1.0)])
def test_of_a_linear_network_it_is_the_projection_on_its_weight(tiles, origin, level):
    """From black this is the distance of the image from the boundary."""
    found, _ = scores_of(LinearNetwork(WEIGHT), tiles, origin=origin)
    for number in range(3):
        x = pixels_of(tiles, number) - level
        projection = float((x * WEIGHT.double()).sum().abs() / WEIGHT.double().norm())
        assert found["alignment"].iloc[number] == pytest.approx(projection, rel=1e-5)
        assert found["cosine"].iloc[number] == pytest.approx(projection / float(x.norm()), rel=1e-5)


def test_a_gradient_along_the_image_has_cosine_one_and_one_across_it_none(tiles):
    image = pixels_of(tiles, 0) - 1
    along, _ = scores_of(LinearNetwork(image.float()), tiles)
    assert along["cosine"].iloc[0] == pytest.approx(1, abs=1e-6)
    assert along["cosine"].iloc[1:].max() < 1
    across = WEIGHT.double() - image * float((WEIGHT.double() * image).sum() / image.square().sum())
    assert scores_of(LinearNetwork(across.float()), tiles)[0]["cosine"].iloc[0] == pytest.approx(0, abs=1e-6)


def test_the_scale_of_the_gradient_does_not_matter(tiles):
    large, small = (scores_of(LinearNetwork(WEIGHT * scale), tiles)[0] for scale in (1, 0.01))
    np.testing.assert_allclose(large, small, rtol=1e-5)


def test_a_gradient_of_zero_has_no_direction_and_is_counted(tiles):
    found, report = scores_of(LinearNetwork(torch.zeros(3, 16, 16)), tiles)
    assert found.isna().all(axis=None)
    assert report.info.excluded == {"the gradient is 0, or the tile is all origin": len(tiles)}


def test_rounding_gives_no_cosine_above_one():
    image = torch.rand(50, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    _, cosine = alignments(image, 3 * image)
    assert cosine.max() <= 1
    assert cosine.min() > 1 - 1e-12
