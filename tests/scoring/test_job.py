"""A job from files to a finished folder, or nothing at all."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.scoring.errors import ScoringError
from tasks.scoring.evaluate import evaluate
from tasks.scoring.job import ScoreJob, score_job
from tasks.scoring.table import FaithfulnessTable
from tests._support.brought_networks import linear
from tests._support.scoring_jobs import COUNT, images, true_maps, weight, write_job


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    job = ScoreJob.model_validate(write_job(folder))
    told: list[int] = []
    return folder, job, score_job(job, folder, told.append), told


def test_it_gives_the_numbers_of_the_library(done):
    folder, job, out, told = done
    assert out == folder / "out" / "report"
    assert sum(told) == 3 * 2 * COUNT
    model = linear()
    model.load_state_dict({"weight": torch.from_numpy(weight())})
    table = evaluate(
        model,
        images(),
        np.ones(COUNT, int),
        attributions={"true": true_maps(), "reversed": -true_maps()},
        kinds="sensitivity",
        metrics=job.metrics,
        keys=[f"all.npz:images:{number}" for number in range(COUNT)],
    )
    pd.testing.assert_frame_equal(
        pd.read_parquet(out / "scores.parquet"), table.scores.drop(columns="patient_id")
    )
    assert (out / "report.md").read_text() == table.to_markdown()
    assert "- `local_lipschitz`: not available: needs an explainer" in table.to_markdown()


def test_the_true_map_wins(done):
    means = pd.read_csv(done[2] / "means.csv").query("metric == 'deletion' and score == 'gap'")
    gaps = means.set_index("explainer")["mean"]
    assert gaps["true"] == pytest.approx(-gaps["reversed"])
    assert gaps["true"] > abs(gaps["random_map"]) + 1


def test_the_report_names_the_job_and_the_bytes_it_rests_on(done):
    folder, job, out, _ = done
    said = json.loads((out / "job.json").read_text())
    assert ScoreJob.model_validate(said["job"]) == job
    assert said["files"] == {
        name: hashlib.sha256((folder / place / name).read_bytes()).hexdigest()
        for place, name in (("maps", "index.csv"), (".", "weights.safetensors"))
    }
    assert said["arrays"]["true"] == hashlib.sha256(true_maps().tobytes()).hexdigest()
    assert set(said["arrays"]) == {"images", "true", "reversed"}


def test_a_finished_report_is_not_written_over(done):
    folder, job, out, _ = done
    before = (out / "report.md").stat().st_mtime_ns
    with pytest.raises(ScoringError, match="exists; name a new folder"):
        score_job(job, folder)
    assert (out / "report.md").stat().st_mtime_ns == before


def test_what_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    job = ScoreJob.model_validate(write_job(tmp_path))

    def fail(_self):
        raise OSError("no space left")

    monkeypatch.setattr(FaithfulnessTable, "to_markdown", fail)
    with pytest.raises(OSError, match="no space left"):
        score_job(job, tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_target_that_the_network_does_not_know(tmp_path):
    job = ScoreJob.model_validate(write_job(tmp_path))
    index = tmp_path / "maps" / "index.csv"
    index.write_text(index.read_text().replace(",1,", ",2,"))
    with pytest.raises(ScoringError, match="targets name class 2; the model has 2 classes"):
        score_job(job, tmp_path)
    assert not (tmp_path / "out").exists()
