"""What doctor tells of runs whose process died, in MLflow and in Prefect."""

from types import SimpleNamespace

import pytest

from flows.doctor.stale import stale_findings


@pytest.fixture
def known(monkeypatch):
    """Let MLflow and Prefect have these stale runs; no address: there is no Prefect server."""

    def let(mlflow, prefect, url="http://127.0.0.1:1/api", silence=""):
        found = SimpleNamespace(stale=mlflow)
        monkeypatch.setattr("tasks.tracking.database_check.check_database", lambda home: found)
        monkeypatch.setattr("flows.doctor.stale.server_of", lambda home: url)
        monkeypatch.setattr("flows.doctor.stale.silence_of", lambda asked: silence)
        runs = tuple(SimpleNamespace(name=name) for name in prefect)
        monkeypatch.setattr("flows.showing.stale.find_stale_runs", lambda asked: runs)

    return let


def test_runs_of_dead_processes_are_named_wherever_they_are_shown(known, tmp_path):
    known(("a",), ("b", "c", "d", "e"))
    mlflow, prefect = stale_findings(tmp_path)
    assert (mlflow.level, prefect.level) == ("warning", "warning")
    assert "MLflow shows 1 runs as running whose process ended: a;" in mlflow.told
    assert "Prefect shows 4 runs as running whose process ended: b, c, d and 1 more;" in prefect.told


def test_none_is_fine_and_a_server_that_is_away_is_not_asked(known, tmp_path):
    known((), ())
    assert [finding.level for finding in stale_findings(tmp_path)] == ["ok", "ok"]
    known((), ("b",), silence="connection refused")
    assert len(list(stale_findings(tmp_path))) == 1
    known((), ("b",), url=None)
    assert len(list(stale_findings(tmp_path))) == 1
