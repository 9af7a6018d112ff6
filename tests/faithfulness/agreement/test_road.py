"""ROAD of grey tiles: the same imputed images and the same accuracy; of colour Quantus has none."""

import numpy as np
import pytest
import torch

from tasks.faithfulness.road import Road
from tasks.functional.imputation import imputed
from tests._support.agreement import curve, inputs, quantus, score

LEVELS = (25, 50, 75)


def removed(level: int) -> torch.Tensor:
    maps = torch.from_numpy(inputs()["maps"]).flatten(1)
    places = (-maps).argsort(1).argsort(1)
    return (places < level * maps.shape[1] // 100).view(-1, 16, 16)


def accuracy(folder, order: str) -> np.ndarray:
    metric = Road(percentages=LEVELS, noise=0, ranked_by="signed")
    return curve(score(folder, metric, inputs()["maps"]), f"{order}_accuracy").mean(0)


@pytest.mark.parametrize("level", LEVELS)
def test_the_imputed_images_are_those_of_a_direct_solution(level):
    images = torch.from_numpy(inputs()["grey"][:, None] / 255.0).float()
    ours = imputed(images, removed(level), torch.ones(1))
    stored = inputs()["quantus_road_images"][LEVELS.index(level)]
    np.testing.assert_allclose(ours[:, 0].numpy(), stored, atol=1e-4)


def test_the_accuracy_is_the_same(tmp_path):
    assert accuracy(tmp_path, "morf")[1:].tolist() == pytest.approx(quantus("road").tolist())


def test_quantus_answers_for_the_first_batch_alone(tmp_path):
    """In batches of 2 its figures are those of the first two tiles; ours are the mean over all."""
    ours = accuracy(tmp_path, "morf")[1:]
    assert np.abs(quantus("road_in_batches_of_2") - ours).max() > 0.1


def test_quantus_fails_on_images_of_three_channels():
    assert quantus("road_on_colour") == "IndexError"
