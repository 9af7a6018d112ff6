"""What ``validate`` says of the maps of a study."""

from types import SimpleNamespace

import pytest

from flows.commands.maps_in_words import sample_in_words
from tests._support.plans import plan_of
from tests._support.studies import tiny_config

EXPLAIN = {"explainers": [{"name": "gradient"}], "controls": []}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"tiles_per_slide": "all"}, "all tiles of each slide are explained"),
        ({"tiles_per_slide": None}, "all tiles of each slide are explained"),
        ({"tiles_per_slide": 7}, "at most 7 tiles of each slide are explained (explain.tiles_per_slide)"),
        ({}, "at most 512 tiles of each slide are explained (explain.tiles_per_slide)"),
    ],
)
def test_the_sample_is_said(manifest, tmp_path, told, said):
    plan = plan_of(tiny_config(manifest, explain={**EXPLAIN, **told}), tmp_path)
    assert sample_in_words(plan.study) == said


def test_of_slides_every_tile_has_a_value():
    study = SimpleNamespace(config=SimpleNamespace(level="slide"))
    assert sample_in_words(study) == "one value for each tile of each slide"
