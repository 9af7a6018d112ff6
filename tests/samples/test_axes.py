"""Impossible pairs are refused with one sentence, from what the classes declare."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from tasks.explainers.base import Explainer
from tasks.explainers.gradient import Gradient
from tasks.faithfulness.base import Metric
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.gini import Gini
from tasks.models.recipe import NetworkRecipe
from tasks.plugins import available, plugin_class
from tasks.regularizers.base import Regularizer
from tasks.regularizers.noise_modulation import NoiseModulation
from tasks.samples.axes import (
    INPUT_OF_SAMPLE,
    SUPPORT_OF_REMOVAL,
    UNITS_OF_SAMPLE,
    Input,
    Removal,
    Sample,
    ScoreUnit,
    Support,
    refuse_misfit,
)
from tests._support.studies import tiny_config


def plugins(family: str) -> list[type]:
    return [plugin_class(family, name) for name in available(family)]


@pytest.mark.parametrize("cls", plugins("tasks.regularizers"), ids=lambda cls: cls.__name__)
def test_a_regularizer_declares_inputs(cls: type[Regularizer]):
    assert cls.accepts
    assert cls.accepts <= set(get_args(Input))


@pytest.mark.parametrize("cls", plugins("tasks.explainers"), ids=lambda cls: cls.__name__)
def test_an_explainer_declares_inputs_and_a_support(cls: type[Explainer]):
    assert cls.accepts
    assert cls.accepts <= set(get_args(Input))
    assert cls.support in get_args(Support)
    assert (cls.support == "tile") <= (cls.accepts == {"features"})


@pytest.mark.parametrize("cls", plugins("tasks.faithfulness"), ids=lambda cls: cls.__name__)
def test_a_metric_declares_units_supports_and_a_removal_that_fits(cls: type[Metric]):
    assert cls.units
    assert cls.units <= set(get_args(ScoreUnit))
    assert cls.supports
    assert cls.supports <= set(get_args(Support))
    assert "section" not in cls.units or cls.units == {"section"}
    if cls.removal is not None:
        assert cls.removal in get_args(Removal)
        assert cls.supports == {SUPPORT_OF_REMOVAL[cls.removal]}


@pytest.mark.parametrize("cls", plugins("tasks.faithfulness"), ids=lambda cls: cls.__name__)
def test_a_metric_that_removes_declares_how(cls: type[Metric]):
    """Whoever asks the model about changed images says what changes them; noisy copies remove nothing."""
    removes = "forward" in cls.needs and "attribution" not in cls.needs
    assert (cls.removal is not None) == removes


def test_a_network_declares_a_sample_and_how_it_arrives():
    assert NetworkRecipe.sample in get_args(Sample)
    assert NetworkRecipe.input == INPUT_OF_SAMPLE[NetworkRecipe.sample]


def test_every_value_of_every_axis_is_related():
    assert set(INPUT_OF_SAMPLE) == set(UNITS_OF_SAMPLE) == set(get_args(Sample))
    assert set(SUPPORT_OF_REMOVAL) == set(get_args(Removal))


def refused(monkeypatch, cls: type, **declared) -> str:
    """Return why the tiny study is refused once ``cls`` declares other values."""
    for name, value in declared.items():
        monkeypatch.setattr(cls, name, value)
    with pytest.raises(ValidationError) as caught:
        tiny_config(Path("cohort.csv"))
    (problem,) = caught.value.errors()
    return problem["msg"].removeprefix("Value error, ")


def test_the_study_is_accepted_as_it_is():
    assert tiny_config(Path("cohort.csv")).study == "tiny"


def test_a_regularizer_of_features_is_refused_for_a_network_of_pixels(monkeypatch):
    assert refused(monkeypatch, NoiseModulation, accepts=frozenset({"features"})) == (
        "train.arms: regularizer 'noise_modulation' of arm 'modulated' works on features, "
        "but the network takes pixels"
    )


def test_an_explainer_of_features_is_refused_for_a_network_of_pixels(monkeypatch):
    assert refused(monkeypatch, Gradient, accepts=frozenset({"features"})) == (
        "explain.explainers: explainer 'gradient' reads features, but the network takes pixels"
    )


def test_a_metric_that_fills_pixels_is_refused_for_scores_of_tiles(monkeypatch):
    declared = {"support": "tile", "accepts": frozenset({"pixels"})}
    assert refused(monkeypatch, Gradient, **declared) == (
        "evaluate.metrics: metric 'deletion' scores values per pixel, "
        "but explainer 'gradient' gives values per tile"
    )


def test_a_metric_that_drops_tiles_is_refused_for_maps(monkeypatch):
    declared = {"supports": frozenset({"tile"}), "removal": "drop_tiles"}
    assert "metric 'deletion' scores values per tile, but explainer 'gradient' gives values per pixel" in (
        refused(monkeypatch, Deletion, **declared)
    )


def test_a_metric_of_slides_is_refused_for_a_network_of_tiles(monkeypatch):
    assert refused(monkeypatch, Gini, units=frozenset({"slide"})) == (
        "evaluate.metrics: metric 'gini' gives scores per slide, "
        "but a study of level tile, whose models take tiles, has scores per element or section or tile"
    )


def test_one_common_value_is_enough():
    refuse_misfit("here", "a takes", {"pixels", "features"}, "b gives", {"features"})
