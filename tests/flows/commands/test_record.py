"""`veritile record`: a study is recorded once, later, also in a home that moved; and what failed says so."""

import io
import json
import shutil
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from flows.commands.record import _in_a_thread, record
from flows.commands.target import Target
from flows.engine.execute import execute
from flows.engine.outcome import ArtifactsFailedError, NotRecordedError, settle
from flows.engine.rerun import RerunOptions
from flows.live_page import live_page
from flows.origin import run_tags
from tasks.artifacts.store import Store
from tasks.study.errors import UsageError
from tasks.tracking.database import open_client
from tests._support.plans import plan_of
from tests._support.ports import free_port
from tests._support.studies import tiny_cohort, tiny_config

pytestmark = pytest.mark.slow

SMALL = {
    "train": {
        "arms": [{"id": "standard"}],
        "seeds": [0],
        "recipe": {"network": {"width": 0.125}, "epochs": 1, "batch": 16},
    },
    "explain": {"explainers": ["gradient"], "controls": ["random_map"]},
    "evaluate": {"metrics": ["gini"]},
}


def study(config, home):
    """Run a study as the flow does, without Prefect."""
    plan, tags = plan_of(config, home), run_tags("veritile run tiny.yaml", "")
    with live_page(plan, tags):
        return settle(execute(plan, RerunOptions(), _in_a_thread, tags))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def finished(cohort, tmp_path_factory):
    """A home with a study that went on without MLflow, and the error that it ended with."""
    home = tmp_path_factory.mktemp("home")
    with pytest.raises(NotRecordedError) as caught:
        study(away(cohort, "later"), home)
    return home, caught.value


def away(cohort, mlflow):
    """Return the study with an MLflow that nobody answers for."""
    record, resources = {"tracking_uri": f"http://127.0.0.1:{free_port()}"}, {"batch": 32, "mlflow": mlflow}
    return tiny_config(cohort, **SMALL, record=record, resources=resources)


@pytest.fixture
def target(cohort, finished, tmp_path):
    """The study file with MLflow in the home, in a copy of the home that has moved."""
    shutil.copytree(finished[0], tmp_path / "home", copy_function=shutil.copy2)
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_config(cohort, **SMALL).model_dump(mode="json")))
    return Target(path, tmp_path / "home", only="record")


def told_by(target):
    console = Console(file=io.StringIO(), width=300)
    record(target, "veritile record tiny.yaml", console)
    return console.file.getvalue()


def runs_in(home):
    client = open_client(home, None)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    return {run.info.run_name: run for run in client.search_runs([experiment])}


def test_an_mlflow_that_does_not_answer_stops_a_run_before_any_work(cohort, tmp_path):
    with pytest.raises(UsageError, match="Nothing was run"):
        study(away(cohort, "required"), tmp_path / "home")
    assert not (tmp_path / "home" / "store").exists()


def test_a_run_without_mlflow_makes_everything_and_says_what_is_left(finished):
    home, error = finished
    assert "everything else is made and stored" in str(error)
    assert "nothing listens there" in str(error)
    assert error.outcome.comparison is not None
    assert error.outcome.recording is None
    assert list(Store(home).records("ReviewPage"))


def test_a_study_is_recorded_later_and_once_and_is_found_after_a_move(target, tmp_path):
    assert "tiny is recorded in MLflow at" in told_by(target)
    first = runs_in(target.home)
    assert {run.info.status for run in first.values()} == {"FINISHED"}
    assert set(first) == {"tiny", "standard seed 0"}
    assert "| figure | better |" in first["tiny"].data.tags["mlflow.note.content"]
    assert "tiny is recorded already" in told_by(target)
    shutil.move(target.home, tmp_path / "moved")
    moved = Target(target.config, tmp_path / "moved", only="record")
    assert "tiny is recorded already" in told_by(moved)
    after = runs_in(moved.home)
    assert {run.info.run_id for run in after.values()} == {run.info.run_id for run in first.values()}
    client = open_client(moved.home, None)
    page = Path(client.download_artifacts(after["tiny"].info.run_id, "review.html"))
    assert page.read_bytes() == next(Store(moved.home).root.glob("ReviewPage/*/*/review.html")).read_bytes()
    assert first["tiny"].data.tags["veritile.command"] == "veritile record tiny.yaml", "no page was live"


def test_a_study_whose_run_was_deleted_is_recorded_again(target):
    told_by(target)
    before = runs_in(target.home)
    open_client(target.home, None).delete_run(before["tiny"].info.run_id)
    assert "tiny is recorded in MLflow at" in told_by(target)
    after = runs_in(target.home)
    assert set(after) == {"tiny", "standard seed 0"}
    assert after["tiny"].info.run_id != before["tiny"].info.run_id


def test_an_unfinished_study_is_refused_with_what_is_missing(target, tmp_path):
    with pytest.raises(UsageError, match=r"tiny is not finished, .*: tile/"):
        told_by(Target(target.config, tmp_path / "new", only="record"))


def test_a_study_whose_training_failed_is_failed_in_mlflow(target, cohort, monkeypatch):
    from tasks.training import train
    from tasks.training.errors import DivergedError

    def diverge(*_):
        raise DivergedError(1, "train_loss", float("nan"))

    monkeypatch.setattr(train, "train_classifier", diverge)
    log = target.home / "logs" / "test_readings.jsonl"
    before = log.read_text()
    changed = {**SMALL, "train": {**SMALL["train"], "seeds": [1]}}
    with pytest.raises(ArtifactsFailedError, match="training diverged"):
        study(tiny_config(cohort, **changed), target.home)
    runs = runs_in(target.home)
    assert set(runs) == {"tiny"}
    assert runs["tiny"].info.status == "FAILED"
    assert runs["tiny"].data.tags["veritile.failed"].startswith("train/standard/seed1: training diverged")
    read = [json.loads(line)["stage"] for line in log.read_text()[len(before) :].splitlines()]
    assert read == [], "nothing was predicted, explained or compared"
