"""How many tiles an artifact is about."""

import pytest

from flows.estimate.units import UnitCounter
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.study.stage import Planned

MODEL = ModelKey("standard", 0)
TILES = {"a": 1000, "b": 50}


def tiles(slide):
    return ArtifactKey("tile", slide=slide)


def maps(slide):
    return ArtifactKey("explain", MODEL, "gradient", slide)


def units(key, inputs, sample=100):
    return UnitCounter(TILES, sample).of(Planned(key, {}, (), inputs=inputs))


@pytest.mark.parametrize(
    ("key", "inputs", "expected"),
    [
        (tiles("a"), {}, 1000),
        (ArtifactKey("surround", slide="a"), {"tiles": tiles("a")}, 100),
        (maps("a"), {"tiles": tiles("a")}, 100),
        (maps("b"), {"tiles": tiles("b")}, 50),
        (ArtifactKey("train", MODEL), {"tiles": {"a": tiles("a"), "b": tiles("b")}}, 1050),
        (
            ArtifactKey("draw", slide="a", explainer="g"),
            {"maps": {1: maps("a"), 2: maps("b")}, "t": tiles("a")},
            200,
        ),
        (
            ArtifactKey("evaluate", MODEL, "gradient", metric="gini"),
            {"maps": {"a": maps("a"), "b": maps("b")}, "tiles": {"a": tiles("a"), "b": tiles("b")}},
            150,
        ),
        (
            ArtifactKey("compare"),
            {"reports": {MODEL: ArtifactKey("evaluate", MODEL, "gradient", metric="g")}},
            0,
        ),
    ],
)
def test_the_tiles_of_each_kind_of_artifact(key, inputs, expected):
    assert units(key, inputs) == expected


def test_without_a_sample_all_tiles_are_explained():
    assert units(maps("a"), {"tiles": tiles("a")}, sample=None) == 1000
