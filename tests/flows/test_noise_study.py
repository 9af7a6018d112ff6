"""A study with what the others do without: calibrated noise, a metric that calls, a sample, exemplars."""

import pandas as pd
import pytest

from flows.engine import resolve
from flows.engine.adopt import adopt
from flows.study import study
from tasks.artifacts.attributions import Attributions
from tasks.artifacts.calibration import Calibration
from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.artifacts.faithfulness_report import SCORE_COLUMNS, SCORES, FaithfulnessReport
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.store import Store
from tasks.calibration import precision
from tests._support.plans import plan_of, statuses
from tests._support.studies import tiny_config

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect")]
NOISY = {"average": "magnitude", "calibration_tiles": 24}


@pytest.fixture(scope="module")
def config(manifest):
    return tiny_config(
        manifest,
        train={
            "arms": [{"id": "standard"}],
            "seeds": [0],
            "recipe": {"network": {"width": 0.125}, "epochs": 6, "batch": 16},
        },
        explain={
            "tiles_per_slide": 10,
            "explainers": [
                {"name": "gradient"},
                {"name": "noisegrad", "draws": 2, **NOISY},
                {"name": "fusiongrad", "draws": 2, "samples": 1, **NOISY},
            ],
            "controls": [{"name": "random_map"}],
            "exemplars": [{"name": "nearest_tiles"}],
        },
        evaluate={"metrics": [{"name": "local_lipschitz", "labels": "all", "tiles_per_slide": 4}]},
        compare={"reference_explainer": "gradient"},
    )


@pytest.fixture(scope="module", autouse=True)
def _few_tiles_do():
    """The cohort has too few tiles to tell a drop of accuracy; here it matters that a sigma is used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "TOLERATED", 100.0)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def made(config, home, prefect):
    outcome = study(config, home)
    store = Store(home)
    return outcome, lambda kind: {r.spec.label: store.path(r.reference) for r in store.records(kind)}


def test_one_sigma_is_found_for_both_explainers_and_used_by_both(made):
    outcome, stored = made
    ((label, folder),) = stored("Calibration").items()
    assert label == "calibrate/standard/seed0/noisegrad"
    found = Calibration(folder)
    assert 0 < found.sigma < 1
    assert found.info.drop == pytest.approx(0.05, abs=0.1)
    assert "explain/standard/seed0/fusiongrad/phantom_04_1" in outcome.executed


def test_a_sample_is_explained_and_all_is_predicted(made):
    _, stored = made
    maps = stored("Attributions")
    assert len(maps) == 8
    ids = {tuple(Attributions(folder).pixel_maps.index["tile_id"]) for folder in maps.values()}
    assert {len(names) for names in ids} == {10}
    assert len(ids) == 2, "one sample a slide, the same for all explainers"
    (predicted,) = (Predictions(folder).table for folder in stored("Predictions").values())
    assert (predicted.groupby("slide_id").size() > 10).all()


def test_the_metric_that_calls_scores_the_calibrated_explainers(made):
    _, stored = made
    reports = stored("FaithfulnessReport")
    noisy = FaithfulnessReport(reports["evaluate/standard/seed0/noisegrad/local_lipschitz"]).scores
    assert len(noisy[noisy["score"] == "estimate"]) == 8
    assert (noisy["value"] > 0).all()


def test_nearest_tiles_and_the_review_page_are_made(made):
    outcome, stored = made
    shown = ExemplarSet(stored("ExemplarSet")["exemplify/standard/seed0/nearest_tiles"])
    assert shown.pictures
    page = stored("ReviewPage")["review"] / "review.html"
    assert "noisegrad" in page.read_text(encoding="utf-8")
    assert outcome.failed_slides == {}


def test_again_all_of_it_is_reused(made, config):
    outcome, stored = made
    home = stored("ReviewPage")["review"].parents[3]
    again = study(config, home)
    assert again.executed == ()
    assert again.reused == len(outcome.executed)


def change_code(monkeypatch, module):
    before = resolve.code_of

    def changed(modules):
        return {name: f"new {code}" if name == module else code for name, code in before(modules).items()}

    monkeypatch.setattr(resolve, "code_of", changed)


def test_maps_are_adopted_together_with_their_calibration(config, home, made, monkeypatch):
    assert made[0].executed
    change_code(monkeypatch, "tasks.functional.weight_noise")
    stages = frozenset({"calibrate", "explain"})
    adopted = [key.label for key in adopt(plan_of(config, home), stages, "only names changed")]
    assert "calibrate/standard/seed0/noisegrad" in adopted
    assert "explain/standard/seed0/fusiongrad/phantom_04_1" in adopted
    left = [s.key for s in statuses(config, home).values() if s.key.stage in stages and s.state != "done"]
    assert left == []


def test_a_report_that_lacks_a_column_is_not_adopted(config, home, made, monkeypatch):
    assert made[0].executed
    change_code(monkeypatch, "tasks.faithfulness.local_lipschitz")
    plan, stages = plan_of(config, home), frozenset({"evaluate"})
    names = [name for name in SCORE_COLUMNS if name != "error"]
    old = next(plan.study.store.records("FaithfulnessReport"))
    scores = home / "store" / old.spec.kind / old.payload / SCORES
    whole = scores.read_bytes()
    try:
        pd.read_parquet(scores)[names].to_parquet(scores)
        assert old.spec.label not in map(str, adopt(plan, stages, "only names changed"))
    finally:
        scores.write_bytes(whole)
    assert old.spec.label in map(str, adopt(plan, stages, "only names changed"))
