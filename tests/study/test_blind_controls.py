"""Which controls see no network is told by what they hold."""

from types import SimpleNamespace

import pytest

from tasks import compare, review, scale
from tasks.artifacts.attributions import Attributions
from tasks.artifacts.colour_scale import EVERY_MODEL
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.explain import ExplainSection
from tests._support.review_jobs import scale_of

CONTROLS = [
    {"name": "random_map"},
    {"name": "shuffled_map", "base": "gradient"},
    {"name": "untrained_network", "id": "untrained", "base": "gradient"},
]
BLIND = {"random_map": True, "shuffled_map": False, "untrained": False}


@pytest.fixture
def section():
    return ExplainSection(explainers=["gradient"], controls=CONTROLS)


def test_the_review_page_is_told(section):
    told = {e.id: e.is_blind for e in review._explainers(Planned(section), {}) if e.is_control}
    assert told == BLIND


def test_the_comparison_is_told(section):
    model = ModelKey("standard", 0)
    keys = [ArtifactKey("evaluate", model, name, metric="gini") for name in ("gradient", *BLIND)]
    inputs = compare.CompareInputs({}, {}, dict.fromkeys(keys), {}, None)
    told = {item.explainer: item.is_blind for _, item in compare._reports(inputs, section) if item.is_control}
    assert told == BLIND


class Planned:
    """A study as far as a review asks it: its level, its section, its models and their slides."""

    config = SimpleNamespace(level="tile")

    def __init__(self, section):
        self._section = section

    def section(self, kind):
        assert kind is ExplainSection
        return self._section


def test_the_review_page_shows_the_maps_of_a_blind_control_with_every_model(section, monkeypatch, tmp_path):
    models = [SimpleNamespace(key=ModelKey(arm, 0)) for arm in ("standard", "modulated")]
    rows = [SimpleNamespace(slide_id=slide) for slide in ("s1", "s2")]
    monkeypatch.setattr(review, "explained_models", lambda _: [(model, rows) for model in models])
    shared = {ArtifactKey("explain", None, "random_map", slide): Attributions(tmp_path / slide)
              for slide in ("s1", "s2")}  # fmt: skip
    own = ArtifactKey("explain", models[0].key, "gradient", "s1")
    stored = {**shared, own: Attributions(tmp_path / "own")}
    found = review._maps(Planned(section), stored, ("s1", "s2"))
    assert {place: maps.folder.name for place, maps in found.items()} == {
        **{(model.key, "random_map", slide): slide for model in models for slide in ("s1", "s2")},
        (models[0].key, "gradient", "s1"): "own",
    }


def test_one_scale_serves_every_model(tmp_path):
    shared = ArtifactKey("explain", None, "random_map", "s1")
    assert list(scale._maps_on("s1", {shared: Attributions(tmp_path)})) == [EVERY_MODEL]
    of_all, of_one = (
        scale_of(1, 1).model_copy(update={"models": m}) for m in ({EVERY_MODEL: 2.0}, {"a": 3.0})
    )
    assert [of_all.end_of("a"), of_one.end_of("a"), of_one.end_of("b")] == [2.0, 3.0, None]
