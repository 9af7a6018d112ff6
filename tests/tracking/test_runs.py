import math

import pytest

from tasks.tracking.database import experiment_id, open_client
from tasks.tracking.runs import PROCESS, find_runs, finished, log_params, log_points, new_run, sweep
from tests._support.processes import dead_process, foreign_process


@pytest.fixture(scope="module")
def recording(make_home, tmp_path_factory):
    home = make_home(tmp_path_factory.mktemp("runs") / "home")
    client = open_client(home, None)
    return client, experiment_id(client, "study", home, local=True)


def test_a_run_ends_as_its_block_does(recording):
    client, experiment = recording
    with new_run(client, experiment, "good", {"k": "good"}) as good:
        assert client.get_run(good).info.status == "RUNNING"
    with pytest.raises(ZeroDivisionError), new_run(client, experiment, "bad", {"k": "bad"}) as bad:
        raise ZeroDivisionError
    assert client.get_run(good).info.status == "FINISHED"
    assert client.get_run(bad).info.status == "FAILED"
    assert finished(find_runs(client, experiment, {"k": "good"})).info.run_id == good
    assert finished(find_runs(client, experiment, {"k": "bad"})) is None


def test_runs_of_dead_processes_are_killed_and_others_left_alone(recording):
    client, experiment = recording
    ids = {}
    with new_run(client, experiment, "alive", {}) as ids["alive"]:
        told = {"dead": dead_process(), "elsewhere": foreign_process(), "foreign": ""}
        for name, process in told.items():
            ids[name] = client.create_run(experiment).info.run_id
            client.set_tag(ids[name], PROCESS, process)
        assert sweep(client, experiment) == (ids["dead"],)
        found = {name: client.get_run(run).info.status for name, run in ids.items()}
    assert found == {"alive": "RUNNING", "dead": "KILLED", "elsewhere": "RUNNING", "foreign": "RUNNING"}


def test_long_histories_and_many_params_go_in_batches(recording):
    client, experiment = recording
    with new_run(client, experiment, "long", {}) as run:
        log_points(
            client, run, [("loss@x", step / 10, step) for step in range(1500)] + [("nan", math.nan, 0)]
        )
        log_params(client, run, {f"p{i}": str(i) for i in range(150)})
    history = client.get_metric_history(run, "loss_x")
    assert [(m.step, m.value) for m in history][::500] == [(0, 0.0), (500, 50.0), (1000, 100.0)]
    assert len(history) == 1500
    data = client.get_run(run).data
    assert "nan" not in data.metrics
    assert len(data.params) == 150


def test_points_of_a_given_time_are_logged_once(recording):
    client, experiment = recording
    with new_run(client, experiment, "twice", {}) as run:
        for _ in range(2):
            log_points(client, run, [("loss", 0.5, 0), ("loss", 0.4, 1)], time_ms=1_000)
    assert [(m.step, m.value) for m in client.get_metric_history(run, "loss")] == [(0, 0.5), (1, 0.4)]
