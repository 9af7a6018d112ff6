"""What a study consists of besides models and maps: calibrations, scales, exemplars and the review page."""

import pytest

from flows import closing_slots, drawing_slots, explain_slots
from flows.evaluate_slots import report_slots
from flows.session import Orders, open_session
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
def session(tmp_path, manifest):
    return open_session(tiny_config(manifest, explain=EXPLAIN, evaluate=METRICS), tmp_path, None, Orders())


def by_label(slots):
    return {slot.label: slot for slot in slots}


def test_explainers_that_ask_for_the_same_sigma_share_its_search(session):
    found = by_label(explain_slots.calibration_slots(session, session.slides))
    assert set(found) == {
        f"calibrate/{arm}/seed0/{name}"
        for arm in ("standard", "modulated")
        for name in ("noisegrad", "fusiongrad")
    }


def test_sigma_is_searched_on_validation_tiles_alone(session, tmp_path, manifest):
    val = {f"tile/{row.slide_id}" for row in session.slides if row.split == "val"}
    for slot in explain_slots.calibration_slots(session, session.slides):
        assert {label for label in slot.needs.values() if label.startswith("tile/")} == val
    folded = open_session(folded_config(manifest, explain=EXPLAIN), tmp_path, None, Orders())
    for slot in explain_slots.calibration_slots(folded, folded.slides):
        fold = folded.folds[int(slot.coords["fold"])]
        names = [name.removeprefix("tiles/") for name in slot.needs if name.startswith("tiles/")]
        assert {fold.roles[name] for name in names} == {"val"}


def test_maps_and_metrics_that_call_wait_for_the_sigma_and_others_do_not(session):
    maps = by_label(explain_slots.attribution_slots(session, session.slides))
    slide = next(row.slide_id for row in session.slides if row.split == "test")
    names = [entry.get("id", entry["name"]) for entry in EXPLAIN["explainers"]]
    waits = [maps[f"explain/standard/seed0/{name}/{slide}"].needs.get("calibration") for name in names]
    shared, own = (f"calibrate/standard/seed0/{name}" for name in ("noisegrad", "fusiongrad"))
    assert waits == [None, shared, shared, own, None]
    reports = by_label(report_slots(session, session.slides))
    called = reports["evaluate/standard/seed0/noisegrad/local_lipschitz"]
    assert called.needs["calibration"] == shared
    assert called.recipe["explainer"]["name"] == "noisegrad"
    assert "tasks.explainers.noisegrad" in called.modules
    looked_at = reports["evaluate/standard/seed0/noisegrad/gini"]
    assert "calibration" not in looked_at.needs
    assert "explainer" not in looked_at.recipe


def test_one_scale_an_explainer_holds_the_maps_of_all_models_and_slides(session):
    found = by_label(drawing_slots.scale_slots(session, session.slides))
    shown = [*EXPLAIN["explainers"], *EXPLAIN["controls"]]
    assert set(found) == {f"scale/{entry.get('id', entry['name'])}" for entry in shown}
    tests = [row.slide_id for row in session.slides if row.split == "test"]
    assert set(found["scale/gradient"].needs.values()) == {f"tile/{slide}" for slide in tests} | {
        f"explain/{arm}/seed0/gradient/{slide}" for arm in ("standard", "modulated") for slide in tests
    }
    for slot in drawing_slots.heatmap_slots(session, session.slides):
        assert slot.needs["scale"] == f"scale/{slot.coords['explainer']}"


def test_exemplars_know_what_was_learnt_and_what_is_explained(session):
    slot, _ = explain_slots.exemplar_slots(session, session.slides)
    assert slot.label == "exemplars/standard/seed0/nearest_tiles"
    splits = {row.slide_id: row.split for row in session.slides}
    learnt = {name.removeprefix("train/") for name in slot.needs if name.startswith("train/")}
    shown = {name.removeprefix("tiles/") for name in slot.needs if name.startswith("tiles/")}
    assert {splits[slide] for slide in learnt} == {"train"}
    assert {splits[slide] for slide in shown} == {"test"}


def test_the_review_page_shows_every_map_and_score_and_is_recorded(session):
    page = drawing_slots.review_slot(session, session.slides, {})
    maps = by_label(explain_slots.attribution_slots(session, session.slides))
    reports = by_label(report_slots(session, session.slides))
    assert set(maps) | set(reports) | {"compare", "scale/gradient"} <= set(page.needs)
    assert page.recipe["failed"] == {}
    recorded = closing_slots.record_slot(session, session.slides).needs
    assert {"review", "calibrate/standard/seed0/noisegrad", "exemplars/standard/seed0/nearest_tiles"} <= set(
        recorded
    )


def test_another_design_makes_another_page(session, monkeypatch):
    before = drawing_slots.review_slot(session, session.slides, {}).recipe
    assert before == drawing_slots.review_slot(session, session.slides, {}).recipe
    monkeypatch.setattr("flows.drawing_slots.page_digest", lambda: "other")
    assert drawing_slots.review_slot(session, session.slides, {}).recipe != before


def test_a_sample_of_tiles_is_recipe_and_none_leaves_the_recipe_as_it_was(session, tmp_path, manifest):
    whole = explain_slots.attribution_slots(session, session.slides)[0].recipe
    assert "tiles_per_slide" not in whole
    few = open_session(
        tiny_config(manifest, explain={**EXPLAIN, "tiles_per_slide": 5}), tmp_path, None, Orders()
    )
    recipe = explain_slots.attribution_slots(few, few.slides)[0].recipe
    assert recipe == {**whole, "tiles_per_slide": 5}


def test_exemplars_may_not_bear_the_id_of_an_explainer(manifest):
    exemplars = [{"name": "nearest_tiles", "id": "gradient"}]
    with pytest.raises(ValueError, match="explainer ids must be unique, but gradient"):
        tiny_config(manifest, explain={**EXPLAIN, "exemplars": exemplars})
