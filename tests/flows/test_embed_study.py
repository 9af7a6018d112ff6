"""Slides are embedded by the engine: loaded once, one artifact per slide, and a failed slide is tolerated."""

import pytest

from flows.engine import request
from flows.engine.events import Advanced, listening
from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions
from flows.open_study import open_study
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.embed import feature_key
from tasks.models import kept_encoder
from tasks.models.encoders.efficientnet_lite0 import EfficientnetLite0
from tasks.models.errors import ModelError
from tasks.models.kept import KeptInThread
from tasks.tile import tile_key
from tests._support.studies import OF_SLIDES, tiny_cohort_of_both, tiny_config


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return tiny_cohort_of_both(tmp_path_factory.mktemp("cohort"))


def told(build):
    """Build in the calling thread, and return the error as a Prefect task would."""
    try:
        fulfil(build)
    except (ModelError, ValueError, OSError) as error:
        return error
    return None


def run(manifest, home, stage, **changes):
    blocks = {"embed": {"encoder": {"name": "efficientnet_lite0", "size": 32}}, **changes}
    resources = {"runner": "inline", "batch": 32}
    config = tiny_config(manifest, resources=resources, **{**OF_SLIDES, **blocks})
    return execute(Plan(open_study(config, home, None)), RerunOptions(only=stage), told, {})


@pytest.fixture(scope="module")
def tiled(manifest, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return home, run(manifest, home, "tile")


def test_every_slide_is_embedded_with_an_encoder_that_was_loaded_once(manifest, tiled, monkeypatch):
    home, first = tiled
    built, load, moved = [], EfficientnetLite0.build, []
    monkeypatch.setattr(kept_encoder, "_kept", KeptInThread())
    monkeypatch.setattr(EfficientnetLite0, "build", lambda self: built.append(1) or load(self))
    with listening(lambda event: moved.append(event) if isinstance(event, Advanced) else None):
        made = run(manifest, home, "embed")
    slides = made.plan.study.slides
    assert (len(made.executed), len(built)) == (len(slides), 1)
    store, tiles = Store(home), 0
    for row in slides:
        found = FeatureSet(store.path(made.state.references[feature_key(row.slide_id)]))
        source = TileSet(store.path(first.state.references[tile_key(row.slide_id)]))
        assert found.tile_ids == source.table["tile_id"].tolist()
        assert found.features().shape == (len(source.table), 1280)
        assert found.facts.encoder == EfficientnetLite0().facts()
        record = store.record(made.state.references[feature_key(row.slide_id)])
        assert record.spec.inputs["weights"] == f"sha256:{found.facts.encoder.digest}"
        tiles += len(source.table)
    assert sum(event.items for event in moved) == tiles


def test_a_slide_that_fails_counts_as_a_failed_slide_and_the_others_go_on(manifest, tiled, monkeypatch):
    home, _ = tiled
    embed = request.stage_named("embed")
    build = type(embed).build

    def failing(self, inputs, out, context):
        if context.key.slide == made_up:
            raise ModelError("slide has no usable tile")
        return build(self, inputs, out, context)

    made_up = tiled[1].plan.study.slides[0].slide_id
    monkeypatch.setattr(type(embed), "build", failing)
    encoder = {"encoder": "colour_statistics"}
    made = run(manifest, home, "embed", embed=encoder, failures={"max_failed_slides": 0.5})
    assert made.state.failed_slides.keys() == {made_up}
    assert len(made.executed) == len(made.plan.study.slides) - 1
