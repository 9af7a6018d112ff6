"""How many tiles tell a drop."""

import numpy as np
import pytest

from tasks.calibration.errors import SigmaSearchError
from tasks.calibration.precision import (
    TOLERATED,
    effective_tiles,
    needed_tiles,
    refuse_too_few,
    relative_error,
)
from tasks.calibration.recipe import CalibrationRecipe

RECIPE = CalibrationRecipe(parameters="all", seed=0, drop=0.05, draws=10, tiles=512)


def test_equal_classes_count_in_full_and_a_rare_one_decides():
    assert effective_tiles({"a": 50, "b": 50}) == pytest.approx(100)
    assert effective_tiles({"a": 12, "b": 256}) == pytest.approx(4 / (1 / 12 + 1 / 256))
    assert effective_tiles({"a": 12, "b": 10**9}) == pytest.approx(48)
    assert effective_tiles({"a": 30, "b": 30, "c": 0}) == pytest.approx(60)


@pytest.mark.parametrize("counts", [(80, 80), (12, 256), (40, 40, 200)])
def test_the_error_is_that_of_balanced_accuracy_in_a_simulation(counts):
    generator = np.random.default_rng(0)
    lost = 0.06
    recalls = [generator.binomial(count, lost, 200_000) / count for count in counts]
    drops = np.mean(recalls, axis=0)
    named = dict(zip("abc", counts, strict=False))
    assert relative_error(lost, named) == pytest.approx(drops.std() / drops.mean(), rel=0.01)


@pytest.mark.parametrize(("lost", "needed"), [(0.025, 156), (0.02, 196), (0.2, 16), (0.5, 4)])
def test_so_many_tiles_are_needed_and_no_more(lost, needed):
    assert needed_tiles(lost) == needed
    half = {"a": needed / 2, "b": needed / 2}
    assert relative_error(lost, half) <= TOLERATED + 1e-9
    assert relative_error(lost, {"a": needed / 2 - 1, "b": needed / 2}) > TOLERATED


def test_twelve_tiles_of_a_class_are_refused_in_one_sentence_and_enough_are_not():
    with pytest.raises(SigmaSearchError) as refused:
        refuse_too_few({"normal": 12, "tumour": 256}, 0.4, RECIPE)
    said = str(refused.value)
    assert "12 normal and 256 tumour validation tiles" in said
    assert "takes 196 tiles" in said
    assert "raise 'calibration_tiles' or 'drop'" in said
    assert "\n" not in said
    refuse_too_few({"normal": 98, "tumour": 98}, 0.4, RECIPE)
    refuse_too_few({"normal": 12, "tumour": 256}, 0.4, RECIPE.model_copy(update={"drop": 0.25}))
