"""The live page beside a run: what it writes when, and that an MLflow that is away changes no work."""

import threading
import time

import pytest

from flows import live_page as module
from flows.engine.events import BuildStarted, Failed, RunStarted, Stored, emit
from flows.live_page import live_page
from flows.partial_results import PartialResults
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.spec import Reference
from tasks.study.errors import UsageError
from tasks.tracking import ask as asking
from tasks.tracking.errors import TrackingError
from tasks.tracking.live import LivePage
from tests._support.plans import plan_of
from tests._support.studies import tiny_config

MODEL = ModelKey("standard", 0)
TRAIN = ArtifactKey("train", MODEL)
PREDICT = ArtifactKey("predict", MODEL)
SCORE = ArtifactKey("evaluate", MODEL, "gradient", metric="gini")
ALL = RunStarted({"train": 1, "evaluate": 4, "record": 1})
PATIENCE_S = 60


class Mlflow:
    """A page that notes what is written, and can be away."""

    def __init__(self):
        self.away, self.shown_elsewhere = False, False
        self.models, self.progress, self.ends = [], [], []

    def _answer(self):
        if self.away:
            raise TrackingError("MLflow at http://a cannot be used: nothing listens there")

    def ask(self, *_):
        self._answer()

    def open(self, study):
        self._answer()
        return None if self.shown_elsewhere else self

    def show_model(self, item):
        self._answer()
        self.models.append(item)

    def show_progress(self, done, failed):
        self._answer()
        self.progress.append((done, failed))

    def hand_over(self):
        self.ends.append("handed over")

    def end(self, status, failures):
        self.ends.append((status, failures))


@pytest.fixture
def mlflow(monkeypatch):
    there = Mlflow()
    monkeypatch.setattr(asking, "ask", there.ask)
    monkeypatch.setattr(LivePage, "open", there.open)
    monkeypatch.setattr(PartialResults, "of", lambda self, model, keys: (model, set(keys)))
    for name in ("EVERY_S", "AGAIN_S"):
        monkeypatch.setattr(module, name, 0.01)
    return there


@pytest.fixture
def page(manifest, tmp_path):
    """Begin the page of a study; ``later`` goes on without MLflow."""

    def begin(**resources):
        plan = plan_of(tiny_config(manifest, resources=resources), tmp_path / "home")
        return live_page(plan, {"command": "veritile run tiny.yaml"})

    return begin


def stored(key, made=True):
    emit(Stored(key, Reference(kind="K", fingerprint="f" * 64, digest="d" * 64), made))


def run_into(error, *events):
    for event in (ALL, *events):
        emit(event)
    raise error


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_run_that_is_to_be_recorded_is_refused_where_mlflow_does_not_answer(mlflow, page):
    mlflow.away = True
    with (
        pytest.raises(UsageError, match=r"nothing listens there\. Nothing was run\. .*mlflow: later"),
        page(),
    ):
        emit(ALL)


def test_a_run_that_records_nothing_asks_nothing(mlflow, page):
    mlflow.away = True
    with page():
        emit(RunStarted({"draw": 4}))
        stored(TRAIN)
    assert mlflow.ends == []


def test_a_run_that_only_records_has_no_page(mlflow, page):
    with page():
        emit(RunStarted({"record": 1}))
        emit(BuildStarted("record", "record", 1))
    assert mlflow.ends == []


def test_a_model_is_shown_with_its_first_new_result_and_each_result_once(mlflow, page):
    with page():
        emit(ALL)
        stored(TRAIN, made=False)
        stored(PREDICT, made=False)
        until(lambda: mlflow.progress and mlflow.progress[-1][0] == {"train": 1, "predict": 1})
        assert mlflow.models == [], "what was there before is in MLflow, or comes with the recording"
        stored(SCORE)
        until(lambda: mlflow.models)
        emit(BuildStarted("record", "record", 1))
        assert mlflow.ends == ["handed over"]
        stored(ArtifactKey("record"))
    assert mlflow.models == [(MODEL, {TRAIN, PREDICT, SCORE})]
    assert mlflow.ends == ["handed over", ("FINISHED", {})]
    assert not [thread for thread in threading.enumerate() if thread.name == "live page"]


def test_an_mlflow_that_goes_away_gets_everything_when_it_is_back(mlflow, page, caplog):
    with page():
        emit(ALL)
        until(lambda: not mlflow.progress)
        mlflow.away = True
        stored(TRAIN)
        emit(Failed(SCORE, "no memory"))
        until(lambda: "The work goes on" in caplog.text)
        stored(PREDICT)
        mlflow.away = False
        until(lambda: mlflow.models and mlflow.progress)
        until(lambda: mlflow.progress[-1] == ({"train": 1, "predict": 1}, {SCORE.label: "no memory"}))
    assert caplog.text.count("The work goes on") == 1, "said once"
    assert set().union(*(keys for _, keys in mlflow.models)) == {TRAIN, PREDICT}


def test_a_run_may_begin_without_mlflow(mlflow, page, caplog):
    mlflow.away = True
    with page(mlflow="later"):
        emit(ALL)
        stored(TRAIN)
        assert "The work goes on" in caplog.text
        mlflow.away = False
        until(lambda: mlflow.models)
    assert mlflow.ends == [("FINISHED", {})]


def test_a_run_that_another_process_shows_is_shown_once(mlflow, page):
    mlflow.shown_elsewhere = True
    with page():
        emit(ALL)
        stored(TRAIN)
        emit(BuildStarted("record", "record", 1))
    assert mlflow.models == mlflow.progress == mlflow.ends == []


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (RuntimeError("2 artifacts failed"), ("FAILED", {"the run": "2 artifacts failed"})),
        (KeyboardInterrupt(), ("KILLED", {})),
        (SystemExit(143), ("KILLED", {})),
    ],
)
def test_the_page_ends_as_the_run_does(mlflow, page, error, end):
    with pytest.raises(type(error)), page():
        run_into(error)
    assert mlflow.ends == [end]


def test_a_failed_study_names_what_failed(mlflow, page):
    with pytest.raises(RuntimeError), page():
        run_into(RuntimeError("1 artifacts failed"), Failed(TRAIN, "training diverged"))
    assert mlflow.ends == [("FAILED", {"train/standard/seed0": "training diverged"})]
