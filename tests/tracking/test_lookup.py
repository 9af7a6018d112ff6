import pytest

from tasks.tracking.database import experiment_id, open_client
from tasks.tracking.lookup import close_dead_runs, has_run
from tasks.tracking.runs import PROCESS, new_run, start_run
from tests._support.processes import dead_process, other_process


@pytest.fixture
def home(make_home, tmp_path):
    return make_home(tmp_path / "home")


def test_a_run_is_there_while_it_is_whole_and_not_deleted(home):
    client = open_client(home, None)
    experiment = experiment_id(client, "study", home, local=True)
    with new_run(client, experiment, "one", {}) as run:
        assert not has_run(home, None, run), "under way"
    assert has_run(home, None, run)
    client.delete_run(run)
    assert not has_run(home, None, run)
    assert not has_run(home, None, "f" * 32)


def test_runs_of_dead_processes_are_closed_in_all_experiments(home, tmp_path):
    client = open_client(home, None)
    dead, alive = [], []
    for name in ("first", "second"):
        experiment = experiment_id(client, name, home, local=True)
        dead.append(start_run(client, experiment, "dead", {}))
        client.set_tag(dead[-1], PROCESS, dead_process())
        alive.append(start_run(client, experiment, "alive", {}))
        client.set_tag(alive[-1], PROCESS, other_process())
    assert set(close_dead_runs(home, None)) == set(dead)
    assert {client.get_run(run).info.status for run in dead} == {"KILLED"}
    assert {client.get_run(run).info.status for run in alive} == {"RUNNING"}
    assert close_dead_runs(home, None) == ()
    assert close_dead_runs(tmp_path / "nowhere", None) == ()
    assert not (tmp_path / "nowhere").exists(), "asking makes nothing"
