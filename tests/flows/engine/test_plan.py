"""What a study consists of besides models and maps, and what a stage may not plan."""

import pickle
from dataclasses import dataclass, replace

import pytest

from flows.engine import plan as module
from flows.engine.plan import Plan, PlanError
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.tile_set import TileSet
from tasks.explain import MOST_TILES
from tasks.study.stage import Planned, Stage, required
from tests._support.plans import input_labels, labelled, plan_of, slides_of
from tests._support.studies import folded_config, tiny_config

EXPLAIN = {
    "explainers": [
        {"name": "gradient"},
        {"name": "noisegrad", "draws": 2},
        {"name": "noisegrad", "id": "noisegrad_magnitude", "average": "magnitude", "draws": 2},
        {"name": "fusiongrad", "parameters": "head"},
        {"name": "noisegrad", "id": "given", "sigma": 0.1},
    ],
    "controls": [{"name": "random_map"}],
    "exemplars": [{"name": "nearest_tiles"}],
}
METRICS = {"metrics": ["gini", "local_lipschitz"]}


@pytest.fixture
def plan(tmp_path, manifest):
    return plan_of(tiny_config(manifest, explain=EXPLAIN, evaluate=METRICS), tmp_path)


def test_each_artifact_comes_after_its_inputs(plan):
    seen = set()
    for planned in plan:
        assert set(planned.input_keys) <= seen, planned.key
        seen.add(planned.key)
    assert len(seen) == len(plan)


def test_explainers_that_ask_for_the_same_sigma_share_its_search(plan):
    assert set(labelled(plan, "calibrate")) == {
        f"calibrate/{arm}/seed0/{name}"
        for arm in ("standard", "modulated")
        for name in ("noisegrad", "fusiongrad")
    }


def test_sigma_is_searched_on_validation_tiles_alone(plan, tmp_path, manifest):
    val = {row.slide_id for row in plan.study.slides if row.split == "val"}
    for planned in plan.of("calibrate"):
        assert slides_of(planned) == val
    folded = plan_of(folded_config(manifest, explain=EXPLAIN), tmp_path)
    for planned in folded.of("calibrate"):
        fold = folded.study.folds[planned.key.model.fold]
        assert {fold.roles[slide] for slide in planned.inputs["tiles"]} == {"val"}


DOSED = {
    "arms": [
        {"id": "standard"},
        {
            "id": "calm",
            "regularizers": [{"name": "jacobian"}],
            "dose": {"field": "weight", "values": [1e-4, 1e-2], "moves": 0.2},
        },
    ],
    "seeds": [3, 4],
    "recipe": {"network": {"width": 0.125}, "epochs": 3, "batch": 16},
}


def test_one_dose_serves_all_seeds_of_its_arm_and_reads_no_test_slide(tmp_path, manifest):
    plan = plan_of(tiny_config(manifest, train=DOSED), tmp_path)
    assert set(labelled(plan, "dose")) == {"dose/calm/seed3"}
    (search,) = plan.of("dose")
    assert slides_of(search) == {row.slide_id for row in plan.study.slides if row.split != "test"}
    assert (search.recipe["training"]["epochs"], search.recipe["seeds"]) == (2, [3])
    assert search.recipe["dose"]["values"] == [1e-4, 1e-2]
    assert "tasks.model_metrics.pixel_sensitivity" in search.modules
    for label, planned in labelled(plan, "train").items():
        waits = {key.label for key in planned.input_keys if key.stage == "dose"}
        assert waits == ({"dose/calm/seed3"} if "calm" in label else set())
        # The number in the study file counts for nothing: the bytes of the dose do.
        assert all(r["weight"] == "searched" for r in planned.recipe["regularizers"])
    assert "dose/calm/seed3" in input_labels(plan.of("record")[0])


def test_each_fold_searches_its_own_dose_without_its_test_slides(tmp_path, manifest):
    plan = plan_of(folded_config(manifest, train=DOSED), tmp_path)
    assert len(plan.of("dose")) == len(plan.study.folds) == 3
    for planned in plan.of("dose"):
        fold = plan.study.folds[planned.key.model.fold]
        assert {fold.roles[slide] for slide in planned.inputs["tiles"]} == {"train", "val"}
    for planned in plan.of("train"):
        doses = [key for key in planned.input_keys if key.stage == "dose"]
        assert all(key.model.fold == planned.key.model.fold for key in doses)


def test_a_search_over_more_seeds_than_there_are_is_refused(manifest):
    calm = {**DOSED["arms"][1], "dose": {**DOSED["arms"][1]["dose"], "seeds": 3}}
    with pytest.raises(ValueError, match=r"arm 'calm': dose.seeds is 3, and train.seeds has 2"):
        tiny_config(manifest, train={**DOSED, "arms": [calm]})


def test_maps_and_metrics_that_call_wait_for_the_sigma_and_others_do_not(plan):
    maps = labelled(plan, "explain")
    slide = next(row.slide_id for row in plan.study.slides if row.split == "test")
    names = [entry.get("id", entry["name"]) for entry in EXPLAIN["explainers"]]
    waits = [maps[f"explain/standard/seed0/{name}/{slide}"].inputs.get("calibration") for name in names]
    shared, own = (f"calibrate/standard/seed0/{name}" for name in ("noisegrad", "fusiongrad"))
    assert [key and key.label for key in waits] == [None, shared, shared, own, None]
    reports = labelled(plan, "evaluate")
    called = reports["evaluate/standard/seed0/noisegrad/local_lipschitz"]
    assert called.inputs["calibration"].label == shared
    assert called.recipe["explainer"]["name"] == "noisegrad"
    assert "tasks.explainers.noisegrad" in called.modules
    looked_at = reports["evaluate/standard/seed0/noisegrad/gini"]
    assert "calibration" not in looked_at.inputs
    assert "explainer" not in looked_at.recipe


def test_one_scale_per_explainer_holds_the_maps_of_all_models_and_slides(plan):
    scales = labelled(plan, "scale")
    shown = [*EXPLAIN["explainers"], *EXPLAIN["controls"]]
    assert set(scales) == {f"scale/{entry.get('id', entry['name'])}" for entry in shown}
    tests = [row.slide_id for row in plan.study.slides if row.split == "test"]
    assert input_labels(scales["scale/gradient"]) == {f"tile/{slide}" for slide in tests} | {
        f"explain/{arm}/seed0/gradient/{slide}" for arm in ("standard", "modulated") for slide in tests
    }
    for planned in plan.of("draw"):
        assert planned.inputs["scale"].label == f"scale/{planned.key.explainer}"


def test_exemplars_see_what_was_learnt_and_what_is_explained(plan):
    first, _ = plan.of("exemplify")
    assert first.key.label == "exemplify/standard/seed0/nearest_tiles"
    splits = {row.slide_id: row.split for row in plan.study.slides}
    assert {splits[slide] for slide in first.inputs["train"]} == {"train"}
    assert {splits[slide] for slide in first.inputs["tiles"]} == {"test"}


def test_the_review_page_shows_every_map_and_score_and_is_recorded(plan):
    (page,) = plan.of("review")
    assert set(labelled(plan, "explain")) | set(labelled(plan, "evaluate")) | {
        "compare",
        "scale/gradient",
    } <= input_labels(page)
    (recording,) = plan.of("record")
    assert {
        "review",
        "calibrate/standard/seed0/noisegrad",
        "exemplify/standard/seed0/nearest_tiles",
    } <= input_labels(recording)


def test_another_design_makes_another_page(plan, monkeypatch):
    (before,) = Plan(plan.study).of("review")
    assert before == Plan(plan.study).of("review")[0]
    monkeypatch.setattr("tasks.review.page_digest", lambda: "other")
    assert Plan(plan.study).of("review")[0].recipe != before.recipe


def test_a_sample_of_tiles_is_recipe_and_all_is_not_mentioned(plan, tmp_path, manifest):
    default = plan.of("explain")[0].recipe
    assert default["tiles_per_slide"] == MOST_TILES == 512
    for told, kept in ((5, {"tiles_per_slide": 5}), ("all", {}), (None, {})):
        other = plan_of(tiny_config(manifest, explain={**EXPLAIN, "tiles_per_slide": told}), tmp_path)
        rest = {name: value for name, value in default.items() if name != "tiles_per_slide"}
        assert other.of("explain")[0].recipe == {**rest, **kept}


@pytest.mark.parametrize("told", [0, -3, "most", 2.5])
def test_other_samples_are_refused(manifest, told):
    with pytest.raises(ValueError, match="tiles_per_slide"):
        tiny_config(manifest, explain={**EXPLAIN, "tiles_per_slide": told})


def test_half_precision_is_recipe_of_maps_and_of_metrics_that_explain_again(plan, tmp_path, manifest):
    explain = {**EXPLAIN, "map_dtype": "float32"}
    full = plan_of(tiny_config(manifest, explain=explain, evaluate=METRICS), tmp_path)
    changed = {p.key for p, other in zip(plan, full, strict=True) if p.recipe != other.recipe}
    assert changed == {
        p.key
        for p in plan
        if p.key.stage == "explain" or (p.key.stage == "evaluate" and p.key.metric == "local_lipschitz")
    } | {ArtifactKey("record")}


def test_maps_of_a_blind_control_are_planned_once_per_slide_and_read_by_every_model(plan):
    tests = [row.slide_id for row in plan.study.slides if row.split == "test"]
    shared = [p for p in plan.of("explain") if p.key.explainer == "random_map"]
    assert [p.key.label for p in shared] == [f"explain/random_map/{slide}" for slide in tests]
    for planned in shared:
        assert set(planned.inputs) == {"tiles"}
        assert "device" not in planned.recipe
    readers = [p for p in plan.of("evaluate") if p.key.explainer == "random_map"]
    assert {p.key.model.arm for p in readers} == {"standard", "modulated"}
    for planned in [*readers, *(p for p in plan.of("scale") if p.key.explainer == "random_map")]:
        maps = [key for key in planned.input_keys if key.stage == "explain"]
        assert maps == [p.key for p in shared]


def test_folds_share_the_maps_of_a_blind_control(tmp_path, manifest):
    plan = plan_of(folded_config(manifest), tmp_path)
    shared = [p.key.slide for p in plan.of("explain") if p.key.model is None]
    assert len(shared) == len(set(shared)) == 6
    of_models = [p.key for p in plan.of("explain") if p.key.model is not None]
    assert {key.explainer for key in of_models} == {"gradient"}


def test_exemplars_may_not_bear_the_id_of_an_explainer(manifest):
    exemplars = [{"name": "nearest_tiles", "id": "gradient"}]
    with pytest.raises(ValueError, match="explainer ids must be unique, but gradient"):
        tiny_config(manifest, explain={**EXPLAIN, "exemplars": exemplars})


def test_reports_of_one_model_are_built_in_one_go(plan):
    assert {planned.together for planned in plan.of("evaluate")} == {p.key.model for p in plan.of("evaluate")}
    others = [planned for planned in plan if planned.key.stage != "evaluate"]
    assert {planned.together for planned in others} == {None}


def test_a_study_and_its_plan_can_be_sent_elsewhere(plan):
    again = Plan(pickle.loads(pickle.dumps(plan.study)))
    assert list(again) == list(plan)


@dataclass(frozen=True)
class LonelyInputs:
    tiles: TileSet = required()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"inputs": {"tile": ArtifactKey("tile", slide="a")}},
            "is given the input 'tile', which",
        ),
        ({"inputs": {"tiles": {"a": ArtifactKey("tile", slide="a")}}}, "must be given one artifact as tiles"),
        ({"inputs": {"tiles": ArtifactKey("tile", slide="a")}}, "made from tile/a, which no stage before it"),
        ({"key": ArtifactKey("tile")}, "stage lonely plans tile"),
        ({}, "lonely is not given its input 'tiles'"),
    ],
)
def test_a_stage_that_plans_what_cannot_be_is_told_so(plan, monkeypatch, changed, sentence):
    planned = replace(Planned(ArtifactKey("lonely"), {}, ()), **changed)

    class Lonely(Stage[LonelyInputs]):
        name, group, makes = "lonely", "lonely", TileSet

        def plan(self, study):
            yield planned

        def build(self, inputs, out, context):
            raise AssertionError

    monkeypatch.setattr(module, "all_stages", lambda: (Lonely(),))
    with pytest.raises(PlanError, match=sentence):
        Plan(plan.study)
