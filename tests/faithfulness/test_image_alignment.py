"""How much a map looks like the image."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tasks.evidence.sources import EvidenceError
from tasks.explainers.edge_map import EdgeMap
from tasks.faithfulness.image_alignment import ImageAlignment
from tasks.functional.edges import edge_magnitude
from tasks.functional.pixels import to_images
from tests._support.attribution_sets import noise
from tests._support.explaining import clean_maps
from tests._support.linear_removal import values
from tests._support.scored_maps import score
from tests._support.small_networks import small_network

METRIC = ImageAlignment(labels="all")


def edges(tiles):
    return clean_maps(EdgeMap(), small_network(), tiles)


def ssim(first: torch.Tensor, second: torch.Tensor, side: int) -> torch.Tensor:
    """Return [n]: the formula of Wang et al. over all whole windows, by sums over patches."""
    a, b = (F.unfold(each[:, None], side) for each in (first, second))
    count = side * side
    mean_a, mean_b = a.mean(1), b.mean(1)
    spread = count / (count - 1)
    var_a, var_b = a.var(1), b.var(1)
    joint = ((a * b).mean(1) - mean_a * mean_b) * spread
    c1, c2 = 0.01**2, 0.03**2
    upper = (2 * mean_a * mean_b + c1) * (2 * joint + c2)
    lower = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return (upper / lower).mean(1)


def test_the_edges_score_one_whatever_their_scale_and_sign(tmp_path):
    for name, draw in (("plain", edges), ("turned", lambda tiles: -7.0 * edges(tiles))):
        result = score(tmp_path / name, draw, METRIC)
        for of in ("cosine", "ssim"):
            assert values(result, of) == pytest.approx(np.ones(40), abs=1e-6)


@pytest.mark.parametrize("side", [3, 7])
def test_both_are_their_formulas(tmp_path, side):
    tables = []

    def draw(tiles):
        tables.append(edge_magnitude(to_images(tiles.pixels[tiles.usable], torch.device("cpu"))).double())
        return noise(tiles)

    result = score(tmp_path, draw, ImageAlignment(labels="all", window_px=side))
    structure = tables[0]
    maps = torch.from_numpy(np.random.default_rng(0).normal(size=structure.shape).round(1).astype(np.float32))
    maps = maps.abs().double()
    expected = F.cosine_similarity(maps.flatten(1), structure.flatten(1))
    np.testing.assert_allclose(values(result, "cosine"), expected, rtol=1e-9)
    scaled = [each / each.amax((1, 2), keepdim=True) for each in (maps, structure)]
    np.testing.assert_allclose(values(result, "ssim"), ssim(*scaled, side), rtol=1e-6, atol=1e-9)


def test_chance_is_the_mean_over_shuffled_maps(tmp_path):
    generator = np.random.default_rng(1)

    def shuffled(tiles):
        return generator.permuted(abs(edges(tiles)).reshape(len(tiles.usable), -1), axis=1).reshape(
            -1, 16, 16
        )

    found = [score(tmp_path / str(i), shuffled, METRIC).scores.query("score == 'cosine'") for i in range(30)]
    drawn = np.stack([each["value"] for each in found])
    chance = found[0]["chance"].to_numpy()
    error = drawn.std(0) / 30**0.5
    assert (abs(drawn.mean(0) - chance) < 5 * error).all()
    assert found[0]["chance"].equals(found[1]["chance"]) or np.allclose(
        found[0]["chance"], found[1]["chance"]
    )


def test_a_map_of_zeros_and_an_even_tile_are_excluded_and_counted(tmp_path):
    def even(folder):
        pixels = np.load(folder / "pixels.npy")
        pixels[:3] = 128
        np.save(folder / "pixels.npy", pixels)

    def draw(tiles):
        maps = noise(tiles)
        maps[2:5] = 0
        return maps

    result = score(tmp_path, draw, METRIC, change=even)
    assert result.info.excluded == {"the tile has no edge": 3, "the map is 0 everywhere": 2}
    for name in ("cosine", "ssim"):
        assert np.isnan(values(result, name)).sum() == 5


def test_a_window_has_a_middle_and_fits_the_tile(tmp_path):
    with pytest.raises(ValueError, match="window_px must be odd, got 4"):
        ImageAlignment(window_px=4)
    with pytest.raises(EvidenceError, match="a window of 17 px, but the tiles are 16 x 16 px"):
        score(tmp_path, noise, ImageAlignment(window_px=17))
