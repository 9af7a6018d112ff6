"""Schedules as a user has them, with one real server and one worker for all that is asked here.

A dependency once broke schedules without a word: the server was healthy and nothing was ever scheduled.
"""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL, temporary_settings
from rich.console import Console

from flows.commands.schedules import Choice, pause, resume, schedules, unschedule
from flows.environment import SETTINGS, prepare
from flows.scheduling.naming import deployment_name
from flows.servers import prefect_server, prefect_worker
from tasks.study.errors import UsageError
from tests._support.ports import free_port
from tests._support.studies import tiny_config

pytestmark = pytest.mark.soak

VERITILE = [sys.executable, "-c", "from flows.cli import main; main()"]
ROOT = Path(__file__).parents[2]
PATIENCE_S = 900
LEFT_OUT = {"home", "url", "run", "run_id"}


class Lab:
    """A server and a worker, a study file, and two homes on which it is scheduled."""

    def __init__(self, folder, manifest):
        self.file, self.home, self.other = folder / "tiny.yaml", folder / "home", folder / "other"
        self.told = folder / "told.json"
        arms = {"arms": [{"id": "standard"}], "seeds": [0]}
        recipe = {"network": {"width": 0.125}, "epochs": 1, "batch": 16}
        explain = {"explainers": [{"name": "gradient"}], "controls": [{"name": "random_map"}]}
        config = tiny_config(manifest, train={**arms, "recipe": recipe}, explain=explain)
        self.data = config.model_dump(mode="json") | {"evaluate": {"metrics": [{"name": "gini"}]}}
        self.write(self.data)
        self.names = [deployment_name("tiny", home) for home in (self.home, self.other)]

    def write(self, data):
        self.file.write_text(yaml.safe_dump(data))

    def hook(self):
        program = self.file.with_name("tell")
        program.write_text(f'#!/bin/sh\ncat >> "{self.told}"\necho >> "{self.told}"\n')
        program.chmod(0o755)
        return str(program)

    def said(self, command, *words):
        console = Console(file=io.StringIO(), width=600)
        command(*([Choice(*words)] if words else []), console)
        return console.file.getvalue()


@pytest.fixture(scope="module")
def lab(manifest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as running:
        for name in [n for n in os.environ if n.startswith("PREFECT_")]:
            patch.delenv(name)
        lab, port = Lab(folder, manifest), free_port()
        prepare(lab.home)
        url = f"http://127.0.0.1:{port}/api"
        running.enter_context(prefect_server(lab.home, port))
        patch.setenv("PREFECT_API_URL", url)
        running.enter_context(temporary_settings({PREFECT_API_URL: url}))
        lab.scheduled = [
            veritile("schedule", lab.file, "--every", "60", "--home", lab.home, "--on-failure", lab.hook()),
            veritile(
                "schedule",
                lab.file,
                "--cron",
                "0 2 * * *",
                "--timezone",
                "Europe/Berlin",
                "--home",
                lab.other,
            ),
        ]
        running.enter_context(prefect_worker(lab.home, port))
        lab.first = wait_for_first(lab)
        lab.paused = lab.said(pause, lab.names[0])
        yield lab
    for name in (*SETTINGS, "PREFECT_HOME"):
        os.environ.pop(name, None)


def veritile(*words):
    done = subprocess.run(
        [*VERITILE, *map(str, words)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ended(client, run_filter):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        runs = [run for run in client.read_flow_runs(flow_run_filter=run_filter) if run.state.is_final()]
        if runs:
            return runs[0]
        assert time.monotonic() < deadline
        time.sleep(1)


def wait_for_first(lab):
    kinds = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]
    any_end = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=kinds)))
    with get_client(sync_client=True) as client:
        return ended(client, any_end)


def run_now(name):
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(f"study-file/{name}")
        started = client.create_flow_run_from_deployment(deployment.id)
        return ended(client, FlowRunFilter(id=FlowRunFilterId(any_=[started.id])))


def lines(run):
    own = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
    with get_client(sync_client=True) as client:
        return client.read_logs(log_filter=own, limit=200)


def recorded_digests(home):
    with sqlite3.connect(f"file:{home / 'mlflow' / 'mlflow.db'}?mode=ro", uri=True) as connection:
        query = "select value from tags where key = 'veritile.study_file_sha256'"
        return {value for (value,) in connection.execute(query)}


def artifacts(run):
    """How many artifacts the study has, made or reused: a scheduled run may have followed the edit before."""
    return sum(int(word) for word in run.state.message.split() if word.isdecimal())


def file_tag(run):
    return next(tag.removeprefix("file:") for tag in run.tags if tag.startswith("file:"))


def test_a_schedule_fires_and_its_run_is_told_in_prefect_and_mlflow(lab):
    assert f"scheduled study-file/{lab.names[0]}: every 1 m" in lab.scheduled[0]
    assert lab.first.auto_scheduled
    assert lab.first.state_name == "Completed", lab.first.state.message
    assert lab.first.state.message.endswith("artifacts made, 0 reused")
    told = [line for line in lines(lab.first) if line.name.startswith("veritile")]
    assert any("artifacts planned, to make: " in line.message for line in told)
    assert file_tag(lab.first) in {digest[:12] for digest in recorded_digests(lab.home)}
    with get_client(sync_client=True) as client:
        pages = [item for item in client.read_artifacts() if item.flow_run_id == lab.first.id]
    assert [page.key for page in pages] == [f"outcome-{lab.names[0]}"]
    assert "**tiny: " in pages[0].data


def test_two_homes_are_two_schedules(lab):
    told = lab.said(schedules)
    assert lab.names[0] != lab.names[1]
    for word in (*lab.names, str(lab.home), str(lab.other), "0 2 * * * (Europe/Berlin)", "every 1 m"):
        assert word in told.replace("\n", "")
    assert "Completed" in told
    with pytest.raises(UsageError, match="tiny is scheduled 2 times"):
        lab.said(pause, "tiny")


def test_an_edited_file_is_followed_and_an_invalid_one_is_told(lab):
    before = file_tag(lab.first)
    lab.write(lab.data | {"explain": {**lab.data["explain"], "controls": []}})
    followed = run_now(lab.names[0])
    assert followed.state_name == "Completed", followed.state.message
    assert artifacts(followed) < artifacts(lab.first)
    assert file_tag(followed) != before
    assert file_tag(followed) in {digest[:12] for digest in recorded_digests(lab.home)}
    assert not lab.told.exists()

    lab.write(lab.data | {"stduy": "tiny"})
    failed = run_now(lab.names[0])
    sentence = "tiny.yaml: unknown key 'stduy'; did you mean 'study'?"
    assert (failed.state_name, failed.state.message) == ("Failed", sentence)
    assert not [line.message for line in lines(failed) if "Traceback" in line.message]
    (told,) = map(json.loads, lab.told.read_text().splitlines())
    assert {name: told[name] for name in told.keys() - LEFT_OUT} == {
        "study": "tiny", "state": "Failed", "sentence": sentence, "config": str(lab.file),
    }  # fmt: skip
    assert told["run_id"] == str(failed.id)
    assert sentence in lab.said(schedules).replace("\n", "")


def test_a_killed_run_is_told_too(lab):
    lab.told.unlink(missing_ok=True)
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(f"study-file/{lab.names[0]}")
        started = client.create_flow_run_from_deployment(deployment.id)
        deadline = time.monotonic() + PATIENCE_S
        while (under_way := client.read_flow_run(started.id)).state_name != "Running":
            assert not under_way.state.is_final(), under_way.state.message
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(int(under_way.infrastructure_pid.rpartition(":")[2]), signal.SIGKILL)
        killed = ended(client, FlowRunFilter(id=FlowRunFilterId(any_=[started.id])))
    assert killed.state_name == "Crashed"
    while not lab.told.is_file() or not lab.told.read_text().endswith("}\n"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    told = json.loads(lab.told.read_text())
    assert (told["state"], told["run_id"]) == ("Crashed", str(killed.id))
    assert "status code: -9" in told["sentence"]


def test_it_is_paused_resumed_and_removed(lab):
    assert "is paused" in lab.paused
    assert lab.said(schedules).count("paused") == 1
    assert "is resumed: 0 2 * * *" in lab.said(resume, str(lab.file), lab.other)
    assert "is resumed: every 1 m" in lab.said(resume, lab.names[0])
    assert "paused" not in lab.said(schedules)
    assert "no longer scheduled" in lab.said(unschedule, "tiny", lab.home)
    told = lab.said(schedules)
    assert lab.names[0] not in told
    assert lab.names[1] in told


def test_prefect_deploys_what_ships_with_the_settings_of_the_command(lab):
    words = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    with get_client(sync_client=True) as client:
        for name in ("phantom", "phantom-nightly"):
            deployment = client.read_deployment_by_name(f"study-file/{name}")
            assert deployment.job_variables == {"env": SETTINGS}
            assert deployment.parameters["config"] == str(ROOT / "pipeline_configs" / "phantom.yaml")
    listed = subprocess.run(
        [sys.executable, "-m", "prefect", "deployment", "ls"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"},
    ).stdout  # fmt: skip
    assert "study-file/phantom-nightly" in listed
