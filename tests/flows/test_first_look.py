"""The first heatmap is there as soon as one slide is explained, and says that its scale is its own."""

import logging
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from flows.engine.events import Stored, emit
from flows.first_look import first_look
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.spec import ArtifactSpec, Reference
from tasks.draw import drawn_slides
from tasks.tile import tile_key
from tests._support.heatmap_jobs import make_attributions, make_slide
from tests._support.plans import plan_of
from tests._support.studies import tiny_config

MODEL = ModelKey("standard", 0)
KINDS = {"tiles": "TileSet", "maps": "Attributions"}


@dataclass(frozen=True)
class Kept:
    """A slide whose tiles and map lie in the store of a study."""

    slide: str
    tiles: Reference
    maps: Reference


@pytest.fixture
def plan(manifest, tmp_path):
    return plan_of(tiny_config(manifest), tmp_path / "home")


@pytest.fixture
def stored(plan, tmp_path):
    slide = drawn_slides(plan.study)[0]
    tiles = make_slide(tmp_path / "tiles", slide)
    count = len(tiles.usable)
    maps = np.random.default_rng(0).normal(size=(count, 16, 16))
    make_attributions(tmp_path / "maps", tiles, maps)
    return Kept(slide, *(keep(plan, tmp_path / name, kind) for name, kind in KINDS.items()))


def keep(plan, folder, kind):
    spec = ArtifactSpec(stage=folder.name, label=folder.name, kind=kind, recipe={})
    return plan.study.store.reuse_or_build(
        spec, lambda out: shutil.copytree(folder, out, dirs_exist_ok=True) and None
    )


def pictures(plan):
    return sorted((plan.study.home / "first_look").rglob("*.png"))


def test_the_first_map_of_an_explainer_is_drawn_at_once_and_its_path_is_told(plan, stored, caplog):
    caplog.set_level(logging.INFO, "veritile.study")
    slide = stored.slide
    with first_look(plan):
        emit(Stored(tile_key(slide), stored.tiles, made=False))
        emit(Stored(ArtifactKey("explain", MODEL, "random_map", slide), stored.maps, made=True))
        emit(Stored(ArtifactKey("explain", MODEL, "smoothgrad", slide), stored.maps, made=False))
        emit(Stored(ArtifactKey("explain", MODEL, "gradient", slide), stored.maps, made=True))
        emit(Stored(ArtifactKey("explain", MODEL, "smoothgrad", slide), stored.maps, made=True))
    (path,) = pictures(plan)
    assert path.name == f"first_look_gradient_{slide}_standard_s0.png"
    with Image.open(path) as drawn:
        assert min(drawn.size) > 200
    assert f"on a colour scale of its own until everything is explained: {path}" in caplog.text


def test_a_map_that_cannot_be_drawn_stops_nothing(plan, stored, caplog):
    store = plan.study.store
    (store.path(stored.tiles) / "thumbnail.png").unlink()
    with first_look(plan):
        emit(Stored(tile_key(stored.slide), stored.tiles, made=False))
        emit(Stored(ArtifactKey("explain", MODEL, "gradient", stored.slide), stored.maps, made=True))
    assert pictures(plan) == []
    assert "the first heatmap was not drawn, the study goes on: " in caplog.text
