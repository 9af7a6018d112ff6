"""Three folds by slide through the whole study: who sees what, and what is pooled, reused and recorded."""

import json

import pandas as pd
import pytest

from flows.engine.guard import FILE
from flows.engine.rerun import Selection
from flows.open_study import open_study
from flows.study import study
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.store import Store
from tasks.comparison.files import SUMMARY, TABLE
from tasks.tracking.database import open_client
from tasks.tracking.runs import PARENT
from tests._support.plans import statuses
from tests._support.studies import folded_config

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect")]


@pytest.fixture(scope="module")
def config(manifest):
    recipe = {"network": {"width": 0.125}, "epochs": 2, "batch": 16}
    return folded_config(manifest, train={"arms": [{"id": "standard"}], "seeds": [0], "recipe": recipe})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def outcome(config, home, prefect):
    return study(config, home)


@pytest.fixture(scope="module")
def folds(config, home):
    return {fold.index: fold.roles for fold in open_study(config, home, None).folds}


@pytest.fixture(scope="module")
def compared(outcome, home):
    return Store(home).path(outcome.comparison)


def records(home, kind):
    return {record.spec.label: record for record in Store(home).records(kind)}


def fold_of(label):
    return int(label.split("/")[2].removeprefix("fold"))


def test_every_part_is_made_once(outcome):
    counts = pd.Series([label.partition("/")[0] for label in outcome.executed]).value_counts().to_dict()
    # 6 slides, 3 folds, 2 slides held out by each, 2 maps, 1 metric
    assert counts == {
        "tile": 6, "train": 3, "predict": 3, "surround": 6, "explain": 12,
        "scale": 2, "draw": 6, "evaluate": 6, "compare": 1, "review": 1, "record": 1,
    }  # fmt: skip


def test_no_checkpoint_saw_a_slide_that_it_is_judged_on(outcome, home, folds):
    store, checkpoints = Store(home), records(home, "Checkpoint")
    assert len(checkpoints) == 3
    for label, record in checkpoints.items():
        roles = folds[fold_of(label)]
        seen = {name.removeprefix("tiles/") for name in record.spec.inputs if name.startswith("tiles/")}
        assert seen == {slide for slide, role in roles.items() if role != "test"}
        predicted = records(home, "Predictions")[label.replace("train/", "predict/")]
        judged = set(Predictions(store.path(predicted.reference)).table["slide_id"])
        assert judged == {slide for slide, role in roles.items() if role == "test"}
        assert not judged & seen


def test_trainings_of_different_folds_differ(outcome, home):
    assert len({record.digest for record in records(home, "Checkpoint").values()}) == 3


def test_the_comparison_has_every_slide(compared, folds):
    summary = json.loads((compared / SUMMARY).read_text())
    slides = set(folds[0])
    assert summary["slides"] == len(slides) == 6
    assert {name: set(scores) for name, scores in summary["slide_scores"].items()} == {"standard_s0": slides}
    rows = pd.read_parquet(compared / TABLE)
    held_out = rows[(rows["kind"] == "performance") & (rows["metric"] == "slide")]
    assert set(held_out["units"]) == {6}
    assert set(held_out["seeds"]) == {1}
    assert {"gradient", "random_map"} <= set(rows["explainer"])


def test_the_page_says_that_it_pools(compared):
    page = (compared / "comparison.md").read_text()
    assert "pools the held-out slides of 3 folds, one model each" in page
    assert "a pooled AUROC mixes the scores of several models" in page


def test_each_fold_is_read_once_a_stage_and_logged_with_its_number(outcome, home):
    lines = [json.loads(line) for line in (home / "logs" / FILE).read_text().splitlines()]
    logged = [(x["stage"], x.get("fold"), x["slides"], x["parts"]) for x in lines[:7]]
    assert sorted(logged[:6], key=str) == [
        *(("evaluate", k, 2, 2) for k in range(3)),
        *(("predict", k, 2, 1) for k in range(3)),
    ]
    assert logged[6] == ("compare", None, 6, 1)


def test_mlflow_holds_a_run_an_arm_fold_and_seed(outcome, home, folds):
    client = open_client(home, None)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    children = {name: run for name, run in runs.items() if PARENT in run.data.tags}
    assert set(children) == {f"standard fold {k} seed 0" for k in range(3)}
    assert runs["tiny"].data.params["folds"] == "3 of 3 by slide"
    for name, run in children.items():
        roles = folds[int(run.data.tags["veritile.fold"])]
        assert f"fold {run.data.tags['veritile.fold']} " in name
        assert run.data.params["fold"] == run.data.tags["veritile.fold"]
        assert not [key for key in run.data.params if key.startswith("roles")]
        used = {item.dataset.name: json.loads(item.dataset.profile) for item in run.inputs.dataset_inputs}
        assert {split: told["slides"] for split, told in used.items()} == {"train": 2, "val": 2, "test": 2}
        drawn = {item.path.rpartition("/")[2] for item in client.list_artifacts(run.info.run_id, "heatmaps")}
        assert drawn == {slide for slide, role in roles.items() if role == "test"}


def test_again_everything_is_reused_and_status_says_done(outcome, config, home):
    assert study(config, home).executed == ()
    assert {status.state for status in statuses(config, home).values()} == {"done"}


def test_one_fold_is_forced(outcome, config, home):
    made = study(config, home, only="train", selection=Selection(fold=(1,))).executed
    assert made == ("train/standard/fold1/seed0",)
