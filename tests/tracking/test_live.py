"""A study in MLflow while it runs, and what its recording makes of it."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.tracking import child as child_module
from tasks.tracking.database import open_client
from tasks.tracking.job import RecordedReport
from tasks.tracking.live import LivePage, LiveStudy
from tasks.tracking.runs import NOTE, PARENT, PROCESS
from tasks.tracking.study import record_study
from tests._support.comparison_jobs import make_report
from tests._support.processes import dead_process, other_process
from tests._support.record_jobs import PATIENT, make_record_job


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One trained model with everything; only its home is not there yet."""
    folder = tmp_path_factory.mktemp("study")
    return replace(make_record_job(folder, folder / "home", arms=("standard",)), live="study-of-a-home")


@pytest.fixture
def job(whole, make_home, tmp_path, monkeypatch):
    # The export of the network takes seconds, and other tests look at it.
    monkeypatch.setattr(child_module, "log_checkpoint", lambda *_: None)
    return replace(whole, home=make_home(tmp_path / "home"))


def start(job, **planned):
    bare = replace(job, fingerprint="", checkpoints=(), comparison=None, review=None, heatmaps=())
    links = {"The run in Prefect": "http://127.0.0.1:4200/runs/flow-run/1"}
    return LivePage.open(LiveStudy(bare, planned or {"train": 1, "evaluate": 2}, links))


def runs_of(job):
    client = open_client(job.home, None)
    experiment = client.get_experiment_by_name("phantom").experiment_id
    return client, client.search_runs([experiment], order_by=["attributes.start_time"])


def trained(job):
    return replace(job.checkpoints[0], predictions=None, reports=(), calibrations={}, exemplars={})


def test_a_study_is_there_from_its_start(job):
    page = start(job)
    client, (run,) = runs_of(job)
    assert run.info.run_id == page.parent
    assert run.info.status == "RUNNING"
    tags = run.data.tags
    assert tags["veritile.command"] == "veritile run phantom.yaml"
    assert tags["prefect.flow_run_id"] == "flow-1"
    assert "| train | 0 of 1 |" in tags[NOTE]
    assert "(http://127.0.0.1:4200/runs/flow-run/1)" in tags[NOTE]
    page.show_progress({"train": 1}, {"tile/s9": f"no pixels of {PATIENT}"})
    run = client.get_run(page.parent)
    assert "| train | 1 of 1 |" in run.data.tags[NOTE]
    assert "failed: tile/s9: no pixels of" in run.data.tags[NOTE]
    assert PATIENT not in run.data.tags[NOTE]
    assert run.data.metrics == {"progress/train": 1.0, "progress/all": 1.0}


def test_the_recording_completes_what_was_live_and_shows_nothing_twice(job):
    page, item = start(job), job.checkpoints[0]
    page.show_model(trained(job))
    client, found = runs_of(job)
    (child,) = [run for run in found if run.data.tags.get(PARENT) == page.parent]
    assert child.info.status == "RUNNING"
    assert len(client.get_metric_history(child.info.run_id, "epoch/train_loss")) == 3
    assert not [name for name in child.data.metrics if name.startswith("faithfulness/")]
    page.show_model(replace(item, predictions=None, calibrations={}, exemplars={}))
    shown = client.get_run(child.info.run_id).data.metrics
    assert "faithfulness/smoothgrad/deletion.gap" in shown
    page.hand_over()
    summary = record_study(job)
    assert summary.parent == page.parent
    assert summary.children == {"standard_s0": child.info.run_id}
    client, found = runs_of(job)
    assert {run.info.run_id for run in found} == {page.parent, child.info.run_id}
    assert {run.info.status for run in found} == {"FINISHED"}
    assert len(client.get_metric_history(child.info.run_id, "epoch/train_loss")) == 3
    assert shown.items() <= client.get_run(child.info.run_id).data.metrics.items()
    parent = client.get_run(page.parent).data
    assert "Not finished" not in parent.tags[NOTE]
    assert parent.params["seeds"] == "0"
    page.end("FINISHED", {})
    assert client.get_run(page.parent).info.status == "FINISHED"
    assert record_study(job).created == ()


def test_a_run_after_a_kill_continues_the_page(job):
    first = start(job)
    first.show_model(trained(job))
    client, found = runs_of(job)
    for run in found:
        client.set_tag(run.info.run_id, PROCESS, dead_process())
    second = start(job)
    assert second.parent == first.parent
    second.show_model(trained(job))
    _, found = runs_of(job)
    assert len(found) == 2
    assert {run.info.status for run in found} == {"RUNNING"}
    assert dead_process() not in {run.data.tags[PROCESS] for run in found}


def test_a_study_that_a_living_process_shows_is_not_shown_twice(job):
    page = start(job)
    client, _ = runs_of(job)
    client.set_tag(page.parent, PROCESS, other_process())
    assert start(job) is None
    summary = record_study(job)
    assert summary.parent != page.parent, "it is the other's to end"
    assert client.get_run(page.parent).info.status == "RUNNING"


def test_other_weights_or_other_scores_than_were_shown_make_a_new_run(job, tmp_path):
    page, item = start(job), job.checkpoints[0]
    page.show_model(replace(trained(job), digest="other weights"))
    start_again = start(job)
    start_again.show_model(trained(job))
    table = item.reports[0].report.scores.rename(columns={"unit_id": "tile_id"})
    report = make_report(tmp_path / "report", table, {"gap": np.linspace(0, 1, len(table))})
    stale = replace(trained(job), reports=(RecordedReport("smoothgrad", "deletion", False, report),))
    start_again.show_model(stale)
    _, found = runs_of(job)
    (live,) = [run for run in found if run.data.tags.get(PARENT) == page.parent]
    start_again.hand_over()
    summary = record_study(job)
    assert summary.children["standard_s0"] != live.info.run_id, "it shows scores that hold no more"
    _, found = runs_of(job)
    assert {run.info.run_id for run in found} == {summary.parent, *summary.children.values()}


def test_a_study_that_fails_is_failed_and_says_why(job):
    page = start(job)
    page.show_model(trained(job))
    page.show_progress({"train": 1}, {})
    page.end("FAILED", {"train/modulated/seed0": f"diverged on {PATIENT}"})
    client, found = runs_of(job)
    status = {run.data.tags["veritile.kind"]: run.info.status for run in found}
    assert status == {"study": "FAILED", "checkpoint": "KILLED"}
    tags = client.get_run(page.parent).data.tags
    assert tags["veritile.failed"].startswith("train/modulated/seed0: diverged on ")
    assert tags[NOTE].startswith("**This study failed.**\n\n- train/modulated/seed0: diverged on ")
    assert "| train | 1 of 1 |" in tags[NOTE]
    assert PATIENT not in tags[NOTE] + tags["veritile.failed"]
    again = start(job)
    assert again.parent == page.parent
    assert "veritile.failed" not in client.get_run(page.parent).data.tags


def test_an_interrupted_study_is_killed_and_recorded_later_under_the_command_that_made_it(job):
    page = start(job)
    page.end("KILLED", {})
    client, (run,) = runs_of(job)
    assert run.info.status == "KILLED"
    summary = record_study(replace(job, command="veritile record phantom.yaml"))
    assert summary.parent == page.parent
    recorded = client.get_run(page.parent)
    assert recorded.info.status == "FINISHED"
    assert recorded.data.tags["veritile.command"] == "veritile run phantom.yaml"


def test_a_page_goes_where_another_run_holds_the_recording(job):
    summary = record_study(job)
    page = start(job)
    page.show_model(trained(job))
    page.end("FINISHED", {})
    _, found = runs_of(job)
    assert {run.info.run_id for run in found} == {summary.parent, *summary.children.values()}


def test_a_recording_of_failures_is_failed_and_complete(job):
    failed = replace(job, failures={"train/modulated/seed0": "training diverged"})
    summary = record_study(failed)
    client, _ = runs_of(job)
    run = client.get_run(summary.parent)
    assert run.info.status == "FAILED"
    assert run.data.tags["veritile.failed"] == "train/modulated/seed0: training diverged"
    assert run.data.tags[NOTE].startswith("**This study failed.**")
    assert "| figure | better | " in run.data.tags[NOTE], "what is there follows"
    assert record_study(failed).reused == ("phantom",)


def test_a_digest_among_the_params_does_not_hide_a_live_run_from_its_recording(job):
    """The recipe of a model holds a fingerprint of its own, which is not that of the recorded run."""
    item = replace(job.checkpoints[0], params={"fingerprint": "0a" * 32})
    job = replace(job, checkpoints=(item,))
    page = start(job)
    page.show_model(replace(item, predictions=None, reports=(), calibrations={}, exemplars={}))
    page.hand_over()
    summary = record_study(job)
    _, found = runs_of(job)
    assert {run.info.run_id for run in found} == {summary.parent, *summary.children.values()}
    (child,) = [run for run in found if run.info.run_id != summary.parent]
    assert child.data.tags["recipe.fingerprint"] == "0a" * 32
    assert child.data.tags["veritile.fingerprint"] == item.fingerprint
