import dataclasses
import errno
import json
import re
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from tasks.models.classifier import load_classifier
from tasks.tracking import study as recording
from tasks.tracking.compared import FIGURES
from tasks.tracking.database import local_tracking_uri, open_client
from tasks.tracking.errors import TrackingError
from tasks.tracking.model import MODEL
from tasks.tracking.pictures import EXPORTS, log_study_pictures
from tasks.tracking.runs import PARENT, PROCESS, new_run
from tasks.tracking.study import record_study
from tests._support.processes import dead_process
from tests._support.record_jobs import PATIENT, make_record_job


@pytest.fixture(scope="module")
def job(make_home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return make_record_job(folder, make_home(folder / "home"))


@pytest.fixture(scope="module")
def summary(job):
    return record_study(job)


@pytest.fixture(scope="module")
def client(job):
    return open_client(job.home, None)


def files(client, run_id, folder=""):
    found = []
    for item in client.list_artifacts(run_id, folder):
        found += files(client, run_id, item.path) if item.is_dir else [item.path]
    return found


def runs(client, summary):
    return client.search_runs([summary.experiment_id])


def test_one_parent_and_one_child_per_checkpoint(client, summary):
    assert summary.created == ("standard_s0", "modulated_s0", "phantom")
    assert len(runs(client, summary)) == 3
    for run_id in summary.children.values():
        run = client.get_run(run_id)
        assert run.data.tags[PARENT] == summary.parent
        assert run.data.tags["prefect.flow_run_id"] == "flow-1"
        assert run.info.status == "FINISHED"


def test_a_child_holds_recipe_epochs_costs_and_scores(client, summary, job):
    run = client.get_run(summary.children["standard_s0"])
    assert run.data.params["network.width"] == "0.125"
    assert run.data.params["regularizers.0.name"] == "standard"
    assert run.data.tags["recipe.split_hash"] == "ab" * 32
    assert not [text for text in run.data.params.values() if re.fullmatch("[0-9a-f]{24,}", text)]
    history = client.get_metric_history(run.info.run_id, "epoch/train_loss")
    assert [(m.step, m.value) for m in history] == [(0, 0.9), (1, 0.5), (2, 0.4)]
    metrics = run.data.metrics
    assert metrics["cost/seconds"] == 3.0
    assert metrics["validation/val_auroc"] == 0.75
    gap = job.checkpoints[0].reports[0].report.scores["value"].mean()
    assert metrics["faithfulness/smoothgrad/deletion.gap"] == pytest.approx(gap)
    rows = pd.read_parquet(job.comparison / "comparison.parquet")
    known = rows.query(
        "kind == 'performance' and arm == 'standard' and metric == 'tile' and score == 'auroc'"
    )
    assert metrics["performance/tile.auroc"] == pytest.approx(known["value"].item())


def test_the_parent_holds_the_comparison(client, summary, job, tmp_path):
    run = client.get_run(summary.parent)
    assert run.data.params == {"seeds": "0"}, "few, for they stand on every picture"
    assert run.data.tags["recipe.patient"].startswith("patient:")
    assert run.data.tags["recipe.split_hash"] == "ab" * 32
    assert run.data.tags["mlflow.source.name"] == run.data.tags["veritile.command"] == job.command
    table = json.loads(Path(client.download_artifacts(summary.parent, FIGURES, str(tmp_path))).read_text())
    figures = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    (difference,) = [
        row for row in figures if row["kind"] == "difference" and row["explainer"] == "smoothgrad"
    ]
    assert run.data.metrics["claim/more_faithful"] == pytest.approx(difference["value"])
    assert len(figures) == len(pd.read_parquet(job.comparison / "comparison.parquet"))
    assert run.data.metrics["claim/more_faithful.verdict"] == 0.0, "one slide of one patient"
    assert run.data.tags["claims"].startswith("more_faithful: cannot tell, ")
    logged = set(files(client, summary.parent))
    assert {"comparison.md", "comparison.png", "comparison.parquet", "config.json", "costs.md"} <= logged
    assert {"leaderboard.csv", "leaderboard.parquet", "pareto.png", "tiles.csv"} <= logged
    assert not {"curves.png", "agreement.png"} & logged, "no curve was traced, and one score agrees with none"


def test_the_description_is_a_verdict_figures_and_pictures(client, summary):
    note = client.get_run(summary.parent).data.tags["mlflow.note.content"]
    assert note.startswith("- **more_faithful: cannot tell, ")
    assert "| smoothgrad/deletion.gap | higher | " in note
    shown = re.findall(r"!\[[^]]*\]\(([^)]*)\)", note)
    assert shown == [
        f"get-artifact?path=description%2F{name}.png&run_uuid={summary.parent}"
        for name in ("chart", "heatmap")
    ]
    assert set(files(client, summary.parent)) >= {"description/chart.png", "description/heatmap.png"}


def test_tables_have_no_column_that_mlflow_leaves_out(client, summary, tmp_path):
    places = [(summary.parent, "figures"), (summary.children["standard_s0"], "slides")]
    places.append((summary.children["standard_s0"], "scores"))
    for run_id, name in places:
        path = client.download_artifacts(run_id, f"tables/{name}.json", str(tmp_path))
        table = json.loads(Path(path).read_text())
        assert table["data"], name
        assert not [column for column in table["columns"] if "." in column], name


def test_the_best_model_by_validation_is_registered_and_loads(client, summary, job, monkeypatch):
    """Both have the same score here, so the first of the study is taken."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(job.home))
    address = client.get_run(summary.parent).data.tags["veritile.best_model"]
    assert address == "models:/phantom@best"
    version = client.get_model_version_by_alias("phantom", "best")
    assert version.run_id == summary.children["standard_s0"]
    assert "highest val_auroc; no test slide is asked" in version.description
    images = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = load_classifier(job.checkpoints[0].checkpoint, torch.device("cpu"))(images)
        torch.testing.assert_close(mlflow.pytorch.load_model(address)(images), expected)


def test_datasets_carry_digest_and_counts(client, summary):
    inputs = client.get_run(summary.children["standard_s0"]).inputs.dataset_inputs
    found = {item.dataset.name: item for item in inputs}
    assert set(found) == {"train", "test"}
    assert json.loads(found["train"].dataset.profile)["tiles"] == 40
    assert found["train"].dataset.digest != found["test"].dataset.digest
    assert json.loads(found["train"].dataset.source) == {"split_hash": "ab" * 32}


def test_heatmaps_are_cards_with_steps_and_files_by_slide(client, summary, job):
    child = files(client, summary.children["standard_s0"])
    assert "heatmaps/s1/smoothgrad/overlay_standard_s0.png" in child
    assert "heatmaps/s1/smoothgrad/probability_standard_s0.png" in child
    assert any(name.startswith("images/1 Heatmaps~smoothgrad+step+0+") for name in child)
    parent = files(client, summary.parent)
    assert {"heatmaps/s1/smoothgrad/sheet.png", "heatmaps/s1/smoothgrad/tiles.png"} <= set(parent)
    assert any(name.startswith("images/2 Sheets~smoothgrad+step+0+") for name in parent)


def test_cards_of_an_interrupted_recording_are_not_logged_twice(client, summary, job):
    before = files(client, summary.parent)
    log_study_pictures(client, summary.parent, job.heatmaps, "standard_s0")
    assert files(client, summary.parent) == before
    assert [name for name in before if name.startswith("images/")]


def test_exports_are_named_and_not_copied(client, summary, job, tmp_path):
    run_id = summary.children["standard_s0"]
    assert not [name for name in files(client, run_id) if name.endswith((".zip", ".tiff"))]
    told = json.loads(Path(client.download_artifacts(run_id, EXPORTS, str(tmp_path))).read_text())
    (drawn,) = job.heatmaps
    place = "/".join(drawn.folder.parts[-2:])
    assert told == {
        f"s1/smoothgrad/{name}": f"{place}/{name}"
        for name in ("tiles_standard_s0.geojson.zip", "map_standard_s0.ome.tiff")
    }


def test_calibrations_and_exemplars_lie_with_their_checkpoint_and_the_review_page_with_the_study(
    client, summary
):
    run_id = summary.children["standard_s0"]
    child = set(files(client, run_id))
    assert {"calibration/noisegrad/curve.png", "calibration/noisegrad/curve.parquet"} <= child
    assert {"exemplars/nearest/strip.png", "exemplars/nearest/neighbours.parquet"} <= child
    assert client.get_run(run_id).data.metrics["calibration/noisegrad.sigma"] == 0.07
    assert "review.html" in files(client, summary.parent)


def test_the_slide_table_has_thumbnails_and_hashed_patients(client, summary, tmp_path):
    run_id = summary.children["standard_s0"]
    path = client.download_artifacts(run_id, "tables/slides.json", str(tmp_path))
    table = json.loads(Path(path).read_text())
    row = dict(zip(table["columns"], table["data"][0], strict=True))
    assert row["slide_id"] == "s1"
    assert row["patient"] != PATIENT
    assert len(row["patient"]) == 12
    picture = client.download_artifacts(run_id, row["smoothgrad"]["filepath"], str(tmp_path))
    with Image.open(picture) as thumbnail:
        assert max(thumbnail.size) == 360


def test_the_model_loads_without_our_code_and_gives_the_same_logits(client, summary, job, monkeypatch):
    run = client.get_run(summary.children["modulated_s0"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", local_tracking_uri(job.home))
    uri = f"models:/{run.data.tags[MODEL]}"
    images = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = load_classifier(job.checkpoints[1].checkpoint, torch.device("cpu"))(images)
        torch.testing.assert_close(mlflow.pytorch.load_model(uri)(images), expected)
    served = mlflow.pyfunc.load_model(uri)
    np.testing.assert_allclose(served.predict(images.numpy()), expected.numpy(), rtol=1e-5, atol=1e-6)
    assert served.metadata.signature.inputs.to_dict()[0]["tensor-spec"]["shape"] == (-1, 3, 16, 16)
    assert client.get_logged_model(run.data.tags[MODEL]).source_run_id == run.info.run_id
    assert run.outputs.model_outputs[0].model_id == run.data.tags[MODEL]
    assert "checkpoint/weights.safetensors" in files(client, run.info.run_id)


def test_no_patient_leaves_the_store(job, summary):
    for path in (job.home / "mlflow").rglob("*"):
        if path.is_file():
            assert PATIENT.encode() not in path.read_bytes(), path


def test_recording_again_logs_nothing(client, summary, job):
    again = record_study(job)
    assert again.created == ()
    assert again.reused == ("phantom",)
    assert (again.parent, again.children) == (summary.parent, summary.children)
    assert len(runs(client, summary)) == 3


def test_the_recording_of_an_unchanged_study_has_the_same_bytes(client, summary, job):
    again = record_study(job)
    assert again.created != summary.created
    assert again.model_dump_json(indent=1) == summary.model_dump_json(indent=1)
    stale = client.create_run(summary.experiment_id, tags={PROCESS: dead_process()})
    swept = record_study(job)
    client.delete_run(stale.info.run_id)
    assert swept.swept == (stale.info.run_id,)
    assert swept.model_dump_json(indent=1) == summary.model_dump_json(indent=1)
    assert str(job.home) not in summary.model_dump_json()


def test_training_costs_come_from_the_record_and_leave_the_payload_alone(client, summary, job):
    slower = dataclasses.replace(
        job.checkpoints[0], fingerprint="child-standard-slow", measures={"seconds": 9}
    )
    found = record_study(
        dataclasses.replace(job, fingerprint="study-slow", checkpoints=(slower, job.checkpoints[1]))
    )
    assert client.get_run(found.children["standard_s0"]).data.metrics["cost/seconds"] == 9.0
    assert client.get_run(found.children["modulated_s0"]).data.metrics["cost/seconds"] == 3.0
    assert set(json.loads(found.model_dump_json())) == {"tracking_uri", "experiment_id", "parent", "children"}
    for run_id in (found.parent, found.children["standard_s0"]):
        client.delete_run(run_id)


def test_a_change_makes_a_new_parent_and_only_the_child_it_touches(client, summary, job):
    changed = dataclasses.replace(job.checkpoints[0], fingerprint="child-standard-2")
    later = record_study(
        dataclasses.replace(job, fingerprint="study-2", checkpoints=(changed, job.checkpoints[1]))
    )
    assert later.created == ("standard_s0", "phantom")
    assert later.reused == ("modulated_s0",)
    assert later.children["modulated_s0"] == summary.children["modulated_s0"]
    child = client.get_run(later.children["standard_s0"])
    before = client.get_run(summary.children["standard_s0"])
    assert child.data.tags[PARENT] == later.parent != summary.parent
    assert child.data.tags[MODEL] == before.data.tags[MODEL]
    assert child.data.tags["veritile.weights_run"] == before.info.run_id
    assert "checkpoint/weights.safetensors" not in files(client, child.info.run_id)
    tags = client.get_run(later.parent).data.tags
    assert tags["veritile.child.modulated_s0"] == summary.children["modulated_s0"]


def test_an_interrupted_recording_is_continued(client, summary, job, monkeypatch):
    cut = dataclasses.replace(
        job,
        fingerprint="study-3",
        checkpoints=tuple(dataclasses.replace(c, fingerprint=f"{c.fingerprint}-3") for c in job.checkpoints),
    )
    whole = recording.fill_child

    def fails_on_the_second(own, run_id, job, item, facts):
        if item.arm == "modulated":
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(own, run_id, job, item, facts)

    monkeypatch.setattr(recording, "fill_child", fails_on_the_second)
    with pytest.raises(TrackingError, match=r"mlflow\.db cannot be used: the disk is full"):
        record_study(cut)
    monkeypatch.setattr(recording, "fill_child", whole)
    cut_off = [run for run in runs(client, summary) if run.info.status == "FAILED"]
    assert {run.info.run_name for run in cut_off} == {"phantom", "modulated seed 0"}
    found = record_study(cut)
    assert found.parent in {run.info.run_id for run in cut_off}
    assert found.created == ("modulated_s0", "phantom")
    assert found.reused == ("standard_s0",)
    assert not [run for run in runs(client, summary) if run.info.status != "FINISHED"]


def test_stale_runs_are_swept_first(client, summary, job):
    with new_run(client, summary.experiment_id, "stale", {}) as stale:
        client.set_tag(stale, PROCESS, dead_process())
        assert record_study(job).swept == (stale,)
        assert client.get_run(stale).info.status == "KILLED"
    client.delete_run(stale)
