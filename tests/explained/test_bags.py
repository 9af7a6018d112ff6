"""What a study of level slide explains: planned, refused, and made."""

import numpy as np
import pytest
from pydantic import ValidationError

from flows.engine import plan as planning
from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions
from flows.engine.stages import all_stages
from flows.open_study import open_study
from tasks.artifacts.attributions import Attributions
from tasks.artifacts.store import Store
from tasks.explain import Explain
from tasks.explainers.attention import CLASS_FREE
from tasks.phantoms.generate import generate_cohort
from tests._support.plans import input_labels, labelled
from tests._support.studies import COHORT as TILES
from tests._support.studies import tiny_config

COHORT = TILES.model_copy(update={"val": (1, 1)})
TRAIN = {
    "arms": [{"id": "attention"}, {"id": "mean", "model": "mean_pool"}],
    "seeds": [0],
    "recipe": {"bag": {"model": {"name": "abmil", "embed": 8, "attention": 4}}, "epochs": 2, "batch": 2},
}
REFERENCES = {"name": "integrated_gradients", "id": "ig", "bag_baseline": "reference_bags", "steps": 3}
CHAIN = {"tiles": 2, "explainer": {"name": "integrated_gradients", "steps": 8}}
EXPLAIN = {"explainers": ["contribution", "attention", REFERENCES], "controls": ["darkness"]}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return generate_cohort(tmp_path_factory.mktemp("cohort"), COHORT, lambda done: None)


def config(manifest, explain=None, **changes):
    blocks = {"level": "slide", "train": TRAIN, "explain": explain or EXPLAIN, **changes}
    return tiny_config(manifest, **{"evaluate": {"metrics": [{"name": "gini"}]}, **blocks})


def test_there_is_one_artifact_per_model_and_explainer_of_all_slides(manifest, tmp_path):
    study = open_study(config(manifest), tmp_path, None)
    planned = {each.key.label: each for each in Explain().plan(study)}
    assert set(planned) == {"explain/darkness"} | {
        f"explain/{arm}/seed0/{name}"
        for arm in ("attention", "mean")
        for name in ("contribution", "attention", "ig")
    }
    slides = {row.slide_id for row in study.slides if row.split == "test"}
    for label, each in planned.items():
        assert set(each.inputs["features"]) == slides
        assert ("checkpoint" in each.inputs) == (label != "explain/darkness")
        assert not {"tiles", "surrounded"} & set(each.inputs)
        assert ("references" in each.inputs) == label.endswith("/ig")
    own = planned["explain/mean/seed0/ig"]
    assert own.recipe["explainer"]["bag_baseline"] == "reference_bags"
    roots = {"tasks.models.mil.mean_pool", "tasks.explaining.bags", "tasks.explaining.reference_bags"}
    assert roots <= set(own.modules)
    others = {row.slide_id for row in study.slides if row.split == "train" and row.label == "normal"}
    assert set(own.inputs["references"]) == others


def test_a_study_of_tiles_plans_its_maps_as_before(manifest, tmp_path):
    study = open_study(tiny_config(manifest), tmp_path, None)
    planned = list(Explain().plan(study))
    assert all(each.key.slide is not None for each in planned)
    for each in planned:
        assert not {"features", "references"} & set(each.inputs)
        expected = {"explainer", "target", "tiles_per_slide", "map_dtype"}
        assert set(each.recipe) - {"device", "halo_px"} == expected


def test_controls_come_by_the_level(manifest):
    explain = {"explainers": [{"name": "contribution"}]}
    controls = {each.id: each for each in config(manifest, explain).explain.controls}
    assert list(controls) == [
        "random_map", "uniform_map", "darkness", "tissue_share", "centre_distance", "cluster_mean",
        "shuffled_map", "untrained_network",
    ]  # fmt: skip
    assert controls["untrained_network"].held.name == "contribution"
    tiles = tiny_config(manifest, explain={"explainers": [{"name": "gradient"}]})
    assert "darkness" not in {each.id for each in tiles.explain.controls}
    assert config(manifest, {**explain, "controls": []}).explain.controls == ()


@pytest.mark.parametrize(
    ("explain", "said"),
    [
        ({"explainers": ["grad_cam"]}, "explainer 'grad_cam' reads pixels, but a slide model takes features"),
        ({"explainers": ["rollout"]}, "'rollout' cannot explain the model of arm 'attention': .* no class"),
        ({"explainers": ["noisegrad"]}, "'noisegrad' waits for a calibrated sigma, .* set sigma to a number"),
        ({"explainers": ["contribution"], "halo_px": 8}, "explain.halo_px is about maps of pixels"),
        ({"explainers": ["contribution"], "tiles_per_slide": 9}, "explain.tiles_per_slide is about maps"),
        ({"explainers": ["contribution"], "map_dtype": "float32"}, "explain.map_dtype is about maps"),
        (
            {"explainers": ["contribution"], "tile_to_pixel": {"explainer": "keep_one"}},
            "explain.tile_to_pixel: explainer 'keep_one' reads features, but a tile gives pixels",
        ),
        (
            {"explainers": ["contribution"], "tile_to_pixel": {"explainer": "noisegrad"}},
            "explain.tile_to_pixel: explainer 'noisegrad' must ask the network, with a sigma",
        ),
        ({"explainers": [{"name": "gradient", "id": "tile_to_pixel"}]}, "'tile_to_pixel' is reserved"),
        (
            {"explainers": [{"name": "smoothgrad", "base": "grad_cam"}]},
            "explainer 'smoothgrad' reads pixels, but a slide model takes features",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(manifest, explain, said):
    with pytest.raises(ValidationError, match=said):
        config(manifest, {"controls": [], **explain})


def test_an_explainer_of_sums_is_refused_by_a_model_that_mixes(manifest):
    arms = [{"id": "mixing", "model": {"name": "transformer", "width": 8, "heads": 2}}]
    with pytest.raises(ValidationError, match="'contribution' cannot explain the model of arm 'mixing'"):
        config(manifest, {"explainers": ["contribution"], "controls": []}, train={**TRAIN, "arms": arms})
    explain = {"explainers": ["rollout", "attention", "keep_one", {"name": "noisegrad", "sigma": 0.1}]}
    config(manifest, {**explain, "controls": []}, train={**TRAIN, "arms": arms})


def test_a_study_of_tiles_has_no_chain(manifest):
    with pytest.raises(ValidationError, match="tile_to_pixel follows the score of a slide model"):
        tiny_config(manifest, explain={"explainers": ["gradient"], "controls": [], "tile_to_pixel": {}})


def test_explainers_of_bags_are_refused_in_a_study_of_tiles(manifest):
    with pytest.raises(ValidationError, match="'contribution' reads features, but the network takes pixels"):
        tiny_config(manifest, explain={"explainers": ["contribution"], "controls": []})


def test_the_scores_are_made_from_features_and_models(manifest, tmp_path, monkeypatch):
    wanted = ("tile", "embed", "train", "explain")
    monkeypatch.setattr(planning, "all_stages", lambda: [s for s in all_stages() if s.name in wanted])
    plan = Plan(open_study(config(manifest, {**EXPLAIN, "tile_to_pixel": CHAIN}), tmp_path, None))
    assert {
        label.partition("/")[0] for label in input_labels(labelled(plan, "explain")["explain/darkness"])
    } == {"embed"}
    result = execute(plan, RerunOptions(), fulfil, {})
    assert not result.state.failed
    store = Store(tmp_path)
    made = {r.spec.label: Attributions(store.folder(r)) for r in store.records("Attributions")}
    chains = {label: made.pop(label) for label in list(made) if "tile_to_pixel" in label}
    assert len(made) == 7
    assert len(chains) == 4
    for label, each in chains.items():
        index = each.pixel_maps.index
        assert each.pixel_maps.maps().shape == (2, 32, 32)
        assert index["tiles_error"].abs().max() < 1e-5
        assert index["encoding_error"].abs().max() < 0.05, "features are stored in float16"
        arm, slide = label.split("/")[1], label.split("/")[-1]
        scores = made[f"explain/{arm}/seed0/contribution"].tile_scores.table(slide)
        largest = scores.sort_values("value", ascending=False, kind="stable")["value"].to_numpy()[:2]
        np.testing.assert_allclose(index["contribution"], largest, rtol=1e-5, atol=1e-6)
    slides = made["explain/darkness"].tile_scores.slides
    assert len(slides) == 2
    for label, each in made.items():
        assert each.support == "tile"
        assert each.tile_scores.slides == slides
        for slide in slides:
            assert np.isfinite(each.tile_scores.values(slide)).all()
            assert len(each.tile_scores.values(slide)) > 10
        if label.endswith("/contribution"):
            assert each.tile_scores.index["completeness_error"].abs().max() < 1e-5
    assert made["explain/mean/seed0/attention"].tile_scores.notes == (CLASS_FREE,)
