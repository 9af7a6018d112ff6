"""A training in two processes ends like one in a single one, also after a kill; it fails with a sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.errors import ModelError
from tasks.models.recipe import NetworkRecipe
from tasks.training import processes
from tasks.training.errors import CollapsedError, DivergedError, TrainingDataError
from tasks.training.job import check_job
from tasks.training.job_file import JOB, SAID, JobFile, Said, forget, read_failure, write_failure
from tasks.training.launcher import ProcessFailedError
from tasks.training.processes import Launch, _unexpected, train_in_processes
from tasks.training.resume import FILE, load_snapshot
from tasks.training.train import planned_tiles, train_classifier
from tasks.training_step.rank import ALONE, Rank
from tests._support.ports import free_port
from tests._support.spread_trainings import spread_job

ROOT = Path(__file__).parents[2]
TWO = Rank(0, 2)


def folders(home):
    for name in ("out", "work"):
        (home / name).mkdir(parents=True)
    return home / "out", home / "work"


def workers_of(home):
    """Return the processes that were started for the job in ``home``."""
    path = str(home / "work" / JOB)
    return [p for p in psutil.process_iter(["cmdline"]) if path in (p.info["cmdline"] or [])]


def wait_until(happens, what):
    deadline = time.monotonic() + 300
    while not happens():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def cut_and_resumed(tmp_path_factory):
    """Kill a training in two processes after its first epoch; go on with it by hand, with torchrun."""
    home = tmp_path_factory.mktemp("spread")
    folders(home)
    words = [sys.executable, "-m", "tests._support.spread_trainings", str(home)]
    with (home / "victim.log").open("wb") as log:
        victim = subprocess.Popen(words, stdout=log, stderr=log, cwd=ROOT)
        wait_until(lambda: (home / "epoch1").exists() or victim.poll() is not None, "no epoch was finished")
        assert victim.poll() is None, (home / "victim.log").read_text()
        seen = [(p.pid, [c.laddr.ip for c in p.net_connections()]) for p in workers_of(home)]
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
    wait_until(lambda: not workers_of(home), "the processes outlive the one that started them")
    epochs = len(load_snapshot(home / "work", spread_job(home / "cohort", TWO).identity).history)
    torchrun = ["torch.distributed.run", "--nproc-per-node", "2", "-m", "tasks.training.worker"]
    done = subprocess.run(
        [sys.executable, "-m", *torchrun, str(home / "work" / JOB)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return home, seen, epochs


@pytest.mark.slow
def test_it_ends_like_a_training_in_one_process(cut_and_resumed, tmp_path):
    """Noise, a gradient of a gradient, BatchNorm, class weights, two parts a step, a kill in between."""
    home, _, epochs = cut_and_resumed
    assert epochs in (1, 2), "the killed one was in the middle"
    out, work = folders(tmp_path)
    one = spread_job(home / "cohort", ALONE)
    train_classifier(one, out, work, lambda row, epoch: None)
    alone, spread = Checkpoint(out), Checkpoint(home / "out")
    for name, value in load_file(alone.weights).items():
        assert torch.allclose(value, load_file(spread.weights)[name], rtol=1e-5, atol=1e-5), name
    assert torch.allclose(
        *(torch.tensor(c.history.to_numpy()) for c in (alone, spread)), rtol=1e-4, atol=1e-4
    )
    assert list(alone.history.columns) == list(spread.history.columns)


@pytest.mark.slow
def test_one_process_writes_and_reports_and_nothing_leaves_the_machine(cut_and_resumed):
    home, seen, epochs = cut_and_resumed
    assert len(seen) == 2
    assert {ip for _, addresses in seen for ip in addresses} == {"127.0.0.1"}
    assert {path.name for path in (home / "out").iterdir()} == {
        "weights.safetensors", "checkpoint.json", "history.parquet",
    }  # fmt: skip
    # A meeting point is left by those who were killed.
    left = {path.name for path in (home / "work").iterdir() if not path.name.startswith(".meeting")}
    assert left == {FILE, JOB, SAID, "processes"}
    said = [json.loads(line) for line in (home / "work" / SAID).read_text().splitlines()]
    assert [what["epoch"] for what in said if "row" in what] == [1, 2, 3]
    assert sum(what.get("tiles", 0) for what in said) == planned_tiles(spread_job(home / "cohort", TWO))
    assert said[-1]["measures"]["epochs"] == 3
    assert said[-1]["measures"]["resumed_epochs"] == epochs


@pytest.mark.slow
def test_what_is_no_number_in_one_process_ends_all_with_the_sentence(tmp_path, caplog, capfd):
    network = NetworkRecipe(module="tests._support.spread_trainings:FailsInTheSecond")
    job = spread_job(tmp_path / "cohort", TWO, network=network)
    with pytest.raises(DivergedError, match=r"^training diverged in epoch 1: cross_entropy is nan; needed"):
        train_in_processes(job, *folders(tmp_path), lambda row, epoch: None)
    assert not workers_of(tmp_path)
    assert not caplog.text
    assert capfd.readouterr() == ("", "")


@pytest.mark.soak
def test_two_machines_go_on_after_one_lost_its_process(cut_and_resumed, tmp_path):
    """Two launchers with a process each; one is killed after an epoch. The result has the same bytes."""
    before, _, _ = cut_and_resumed
    out, work = folders(tmp_path)
    killed = []

    def kill(row, epoch):
        if killed:
            return
        for process in workers_of(tmp_path):
            if "torch.distributed.run" not in process.cmdline() and process.environ().get("RANK") == "1":
                killed.append(epoch)
                process.kill()

    words = (sys.executable, "-m", "tests._support.two_launchers", str(free_port()))
    measures = train_in_processes(
        spread_job(before / "cohort", TWO), out, work, kill, launch=Launch(torchrun=words)
    )
    assert killed, "a process was killed"
    assert measures["resumed_epochs"] >= 1, "it did not start anew"
    assert (out / "weights.safetensors").read_bytes() == (before / "out" / "weights.safetensors").read_bytes()
    assert not workers_of(tmp_path)


class Process:
    """Stands for the processes of one attempt, which end as they are told."""

    def __init__(self, ended):
        self.wait = lambda timeout, period: ended


class EndedWell:
    def is_failed(self):
        return False


def attempts_of(monkeypatch, ends):
    """Let the attempts end as listed; return what each was started with."""
    started, left = [], list(ends)

    @contextmanager
    def start(work, envs):
        started.append([env["TORCHELASTIC_RESTART_COUNT"] for env in envs.values()])
        yield Process(left.pop(0))

    monkeypatch.setattr(processes, "_started", start)
    return started


def test_a_process_that_dies_is_started_again_with_all_others(tmp_path, monkeypatch, caplog):
    died = Ended([], _1=-signal.SIGKILL)
    started = attempts_of(monkeypatch, [died, died, EndedWell()])
    processes._run(tmp_path, 2, 2, lambda: None)
    assert started == [["0", "0"], ["1", "1"], ["2", "2"]]
    sentence = "training process 2 of 2 was killed by SIGKILL; all go on from the state that was last saved"
    assert [record.getMessage() for record in caplog.records] == [sentence] * 2

    attempts_of(monkeypatch, [died])
    with pytest.raises(ProcessFailedError, match=r"process 2 of 2 was killed by SIGKILL$"):
        processes._run(tmp_path, 2, 0, lambda: None)
    started = attempts_of(monkeypatch, [died, died])
    write_failure(tmp_path, 0, TrainingDataError("no tiles"))
    with pytest.raises(TrainingDataError, match="no tiles"):
        processes._run(tmp_path, 2, 1, lambda: None)
    assert len(started) == 1, "what has a sentence is not tried again"


def test_a_batch_must_be_split_evenly(tmp_path):
    with pytest.raises(
        TrainingDataError, match="batch 32 must be split evenly by accumulate 2 x processes 3"
    ):
        check_job(spread_job(tmp_path, Rank(0, 3)))
    with pytest.raises(TrainingDataError, match="64 training tiles are too few for 128 processes"):
        check_job(spread_job(tmp_path, Rank(0, 128), batch=256, accumulate=1))


def test_the_number_of_processes_is_part_of_what_may_be_gone_on_with(tmp_path):
    identities = {spread_job(tmp_path, rank).identity for rank in (ALONE, TWO, Rank(1, 2), Rank(0, 4))}
    assert len(identities) == 3


def test_a_job_survives_its_file(tmp_path):
    job = spread_job(tmp_path / "cohort", TWO)
    file = JobFile.of(job, tmp_path / "out", tmp_path / "work", 3)
    again = JobFile.model_validate_json(file.model_dump_json())
    assert again == file
    assert again.threads == 3
    assert again.job("cpu", TWO).identity == job.identity


@pytest.mark.parametrize(
    "error",
    [
        DivergedError(3, "train_loss", float("nan")),
        CollapsedError(2, "gradients collapsed"),
        TrainingDataError("no tiles"),
        ModelError("no such network"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_sentence_survives_its_process(tmp_path, error):
    write_failure(tmp_path, 1, error)
    found = read_failure(tmp_path)
    assert (type(found), str(found)) == (type(error), str(error))
    assert getattr(found, "epoch", None) == getattr(error, "epoch", None)
    forget(tmp_path)
    assert read_failure(tmp_path) is None


def test_half_a_line_waits_for_the_rest(tmp_path):
    said = Said(tmp_path)
    assert list(said.new()) == []
    with (tmp_path / SAID).open("w") as stream:
        for text, expected in (('{"tiles": 4}\n{"ti', [{"tiles": 4}]), ('les": 2}\n', [{"tiles": 2}])):
            stream.write(text)
            stream.flush()
            assert list(said.new()) == expected
    said.close()


class Ended:
    def __init__(self, stderrs, **codes):
        self.stderrs = dict(enumerate(stderrs))
        self.failures = {int(rank[1:]): type("F", (), {"exitcode": code}) for rank, code in codes.items()}

    def is_failed(self):
        return True


def test_a_failure_without_a_sentence_is_blamed_on_the_right_process(tmp_path):
    log = tmp_path / "stderr.log"
    log.write_text("Traceback ...\nRuntimeError: out of luck\n")
    ended = Ended([log, log], _0=-signal.SIGTERM, _1=1)
    assert str(_unexpected(ended, 2)) == "training process 2 of 2 failed: RuntimeError: out of luck"
    killed = _unexpected(Ended([log, log], _0=1, _1=-signal.SIGKILL), 2)
    assert str(killed) == "training process 2 of 2 was killed by SIGKILL"
    assert isinstance(killed, ProcessFailedError)
