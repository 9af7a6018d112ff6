"""What came out is written whole or not at all, and can be read again."""

import json

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS, FaithfulnessReport
from tasks.evaluation.result import MetricResult
from tasks.faithfulness.deletion import Deletion
from tasks.scoring.errors import ScoringError
from tasks.scoring.evaluate import evaluate
from tests._support.small_networks import small_network


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(0)
    return evaluate(
        small_network(),
        generator.random((6, 3, 8, 8)),
        [0, 1, 0, 1, 0, 1],
        attributions={"mine": generator.normal(size=(6, 8, 8))},
        kinds="sensitivity",
        metrics=[Deletion(steps=4), "gini", "section_auc"],
        patients=[f"secret_{number}" for number in range(6)],
    )


def test_each_part_is_a_report_of_its_own(table, tmp_path):
    folder = table.write(tmp_path / "new" / "out")
    for (explainer, metric), result in table.results.items():
        report = FaithfulnessReport(folder / "reports" / explainer / metric)
        private = ["patient_id"]
        pd.testing.assert_frame_equal(
            report.scores.drop(columns=private), result.scores.drop(columns=private)
        )
        clusters = report.scores.drop_duplicates("slide_id")["patient_id"]
        assert list(clusters) == [str(number) for number in range(1, len(clusters) + 1)], "clusters, no names"
        assert report.info == result.info
        assert (report.curves is None) == (metric == "gini")
    assert len(table.results) == 4


def test_the_joint_tables_hold_everything_and_name_no_patient(table, tmp_path):
    folder = table.write(tmp_path / "out")
    scores = pd.read_parquet(folder / "scores.parquet")
    assert len(scores) == 2 * 6 * (3 + 1)
    assert list(scores.columns) == ["explainer", "metric", *(c for c in SCORE_COLUMNS if c != "patient_id")]
    assert pd.read_csv(folder / "scores.csv")["value"].to_numpy() == pytest.approx(scores["value"].to_numpy())
    assert len(pd.read_csv(folder / "means.csv")) == 2 * (3 + 1)
    assert len(pd.read_parquet(folder / "curves.parquet")) == 2 * 6 * 5 * 6
    said = json.loads((folder / "score.json").read_text())
    assert said["explainers"] == {"mine": None, "random_map": {"name": "random_map", "seed": 0}}
    assert said["unavailable"] == {"section_auc": "not available: needs slides"}
    assert said["metrics"]["deletion"]["steps"] == 4
    assert said["passes"]["forward"] == said["passes"]["minimum_forward"] == 6 * (2 + 2 * 2 * 3)
    texts = [path for path in folder.iterdir() if path.suffix in (".csv", ".md", ".json")]
    assert len(texts) == 4
    assert not any("secret" in path.read_text() for path in texts)
    assert "by patient (6)" in (folder / "report.md").read_text()


def test_nothing_is_written_over(table, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(ScoringError, match="exists; name a new folder"):
        table.write(tmp_path / "out")


def test_what_stopped_half_way_leaves_nothing(table, tmp_path, monkeypatch):
    written = []

    def stop(_self, out):
        written.append(out)
        if len(written) == 3:
            raise OSError("no space left")

    monkeypatch.setattr(MetricResult, "write", stop)
    with pytest.raises(OSError, match="no space left"):
        table.write(tmp_path / "out")
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []


def test_the_folder_can_be_read_by_others(table, tmp_path):
    folder = table.write(tmp_path / "out")
    (tmp_path / "plain").mkdir()
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode
