"""A cluster of this machine: on the loopback device, a device per worker, and gone when the run is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows.engine.cluster.local import _worker
from flows.open_study import open_study
from tests._support import toy_runs
from tests._support.studies import tiny_config

ROOT = Path(__file__).parents[4]


def workers(manifest, home, count, **resources):
    config = tiny_config(manifest, resources={"runner": "dask", "cluster": {"workers": count}, **resources})
    study = open_study(config, home, None)
    return [_worker(study, number, {})["options"] for number in range(count)]


def test_each_device_has_a_worker_of_its_own(manifest, tmp_path):
    two = workers(manifest, tmp_path, 3, devices=["cpu", "cpu"])
    assert [each["resources"] for each in two] == [{"device": 1}, {"device": 1}, {}]
    assert [each["resources"] for each in workers(manifest, tmp_path, 2)] == [{"device": 1}] * 2


def test_a_worker_sees_its_own_device_alone(manifest, tmp_path):
    resources = {"runner": "dask", "cluster": {"workers": 3}, "devices": ["cuda:1", "cuda:3"]}
    study = open_study(tiny_config(manifest, device="cuda", resources=resources), tmp_path, None)
    seen = [_worker(study, number, {})["options"]["env"] for number in range(3)]
    assert seen == [{"CUDA_VISIBLE_DEVICES": "1"}, {"CUDA_VISIBLE_DEVICES": "3"}, {}]


def is_worker(process):
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):  # it has ended
        return False


@pytest.mark.slow
def test_two_device_slots_take_the_models_and_nobody_else_reaches_the_cluster(
    manifest, tmp_path, monkeypatch
):
    toy_runs.install(monkeypatch.setattr)
    home = tmp_path / "home"
    home.mkdir()
    addresses = []

    def listen(name):
        mine = psutil.Process()
        for process in (mine, *mine.children(recursive=True)):
            addresses.extend(c.laddr.ip for c in process.net_connections() if c.status == "LISTEN")

    monkeypatch.setattr("flows.engine.cluster.connection.Expected.forget", listen)
    result = toy_runs.run_toys(manifest, home, runner="dask", cluster={"workers": 3}, devices=["cpu", "cpu"])
    assert len(result.executed) == 10
    said = [line.split() for line in (home / "notes").read_text().splitlines()]
    models = {pid for what, _, pid, *_ in (line for line in said if line[0] == "say")}
    assert len(models) <= 2
    assert str(os.getpid()) not in models
    assert [pid for what, pid in (line for line in said if line[0] == "tell")] == [str(os.getpid())]
    assert set(addresses) == {"127.0.0.1"}
    assert not list(filter(is_worker, psutil.Process().children(recursive=True)))


@pytest.mark.slow
def test_workers_end_with_a_run_that_is_killed(manifest, tmp_path):
    home = tmp_path / "home"
    words = [sys.executable, "-m", "tests._support.toy_runs", str(manifest), str(home)]
    with (tmp_path / "log").open("wb") as log:
        run = subprocess.Popen(words, stdout=log, stderr=log, cwd=ROOT)
    deadline = time.monotonic() + 900
    try:
        while not (home / "done_x").exists():
            assert run.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, "the hanging build was never reached"
            time.sleep(0.2)
        family = psutil.Process(run.pid).children(recursive=True)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    assert family
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
