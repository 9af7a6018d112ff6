"""The link from a run in Prefect to the study in MLflow."""

import json

import pytest

from flows.engine.outcome import Outcome
from flows.scheduling.outcome_page import summary
from flows.showing import recorded_at
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store

TOLD = {"experiment_id": "7", "parent": "abc", "children": {}}


def outcome_of(home, tracking_uri):
    """Return the outcome of a study whose recording names ``tracking_uri``."""
    note = json.dumps({"tracking_uri": tracking_uri, **TOLD})
    spec = ArtifactSpec(stage="record", label="record", kind="Recording", recipe={})
    kept = Store(home).reuse_or_build(spec, lambda out: (out / "recording.json").write_text(note) and None)
    return Outcome(study="s", executed=(), reused=1, failed_slides={}, recording=kept)


@pytest.mark.parametrize(
    ("uri", "served", "link"),
    [
        ("http://mlflow.lab:5000/", None, "http://mlflow.lab:5000"),
        (None, "http://127.0.0.1:5001", "http://127.0.0.1:5001"),
        (None, None, None),
        ("postgresql://a@b:5432/c", None, None),
    ],
)
def test_the_page_in_prefect_links_the_run_where_a_server_shows_it(tmp_path, monkeypatch, uri, served, link):
    monkeypatch.setattr(recorded_at, "served_address", lambda _home, title: {"MLflow": served}[title])
    text = summary(outcome_of(tmp_path, uri), tmp_path)
    if link is None:
        assert "- recorded in MLflow: under the name of the study" in text
    else:
        place = f"{link}/#/experiments/7/runs/abc?workflowType=machine_learning"
        assert f"- recorded in MLflow: [the run of the study]({place})" in text
