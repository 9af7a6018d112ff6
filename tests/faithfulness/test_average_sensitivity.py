"""How far known maps move."""

import numpy as np
import pytest
import torch

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.faithfulness.average_sensitivity import AverageSensitivity
from tests._support.explaining import Known, handed
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set


def score(folder, draw, metric):
    model, tiles = small_network(), make_tile_set(folder / "t", "s", "p", "test", 20)
    evidence = handed(folder, tiles, {"m": Known(draw)}, model)
    return evaluate_pairs(model, evidence, [("m", metric)], EvaluationSettings(batch=1000))["m", metric.id]


def values(result, name, column="value"):
    return result.scores[result.scores["score"] == name][column].to_numpy()


def growing(images, _keys):
    """Return maps that are 1 of the clean tiles and 1 + s of the copies of draw s; all 8 tiles at once."""
    steps = torch.arange(len(images)) // 8 if len(images) != 20 else torch.zeros(20)
    return (1.0 + steps)[:, None, None].expand(-1, 16, 16)


def test_mean_and_maximum_of_known_moves(tmp_path):
    found = score(tmp_path, growing, AverageSensitivity(samples=5))
    assert values(found, "average").tolist() == pytest.approx([2.0] * 8)
    assert values(found, "maximum").tolist() == pytest.approx([4.0] * 8)


def test_the_errors_of_known_moves(tmp_path):
    """Moves 0, 1, 2, 3, 4: variance 2.5, error of the mean sqrt(2.5 / 5); of the maximum 4 / 5 x (4 - 3)."""
    found = score(tmp_path, growing, AverageSensitivity(samples=5))
    assert values(found, "average", "error").tolist() == pytest.approx([0.5**0.5] * 8)
    assert values(found, "maximum", "error").tolist() == pytest.approx([0.8] * 8)


def test_of_one_draw_mean_and_maximum_are_one(tmp_path):
    found = score(tmp_path, lambda images, _keys: images.mean(1), AverageSensitivity(samples=1))
    assert (values(found, "average") == values(found, "maximum")).all()
    assert (values(found, "average") > 0).all()
    assert found.scores["error"].isna().all()


@pytest.mark.parametrize(("sigma", "expected"), [(0.01, 0.01), (0.1, 0.1)])
def test_it_is_relative_to_the_clean_map(tmp_path, sigma, expected):
    """E(x) is 5 (1 + the noise of the first channel): it moves by sigma of its size, whatever the 5."""
    clean = []

    def draw(images, _keys):
        clean.append(images)
        if len(clean) == 1:
            return torch.full_like(images[:, 0], 5.0)
        tumour = torch.tensor([i for i in range(20) if i % 5 > 2])
        return 5 * (1 + images[:, 0] - clean[0][tumour, 0].repeat(len(images) // 8, 1, 1))

    found = score(tmp_path, draw, AverageSensitivity(sigma=sigma))
    np.testing.assert_allclose(values(found, "average"), expected, rtol=0.05)


@pytest.mark.parametrize(("compares", "expected"), [("signed", 2.0), ("magnitude", 0.0)])
def test_a_map_that_turns_its_sign_moves_by_twice_its_size(tmp_path, compares, expected):
    def turning(images, _keys):
        sign = 1.0 if len(images) == 20 else -1.0
        return sign * torch.linspace(-1, 1, 256).view(16, 16).expand(len(images), -1, -1)

    found = score(tmp_path, turning, AverageSensitivity(compares=compares))
    assert values(found, "maximum").tolist() == pytest.approx([expected] * 8)


def test_a_map_of_zeros_has_no_score_and_is_counted(tmp_path):
    found = score(tmp_path, lambda images, _keys: 0 * images[:, 0], AverageSensitivity())
    assert np.isnan(values(found, "average")).all()
    assert found.info.excluded == {"the clean map is all zeros": 8}
