"""A training that is cut off within an epoch goes on from its last saved step, to the same bytes."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.recipe import NetworkRecipe
from tasks.training import saving
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.resources import TrainingResources
from tasks.training.resume import load_snapshot
from tasks.training.train import planned_tiles, train_classifier
from tasks.training_step.rank import Rank
from tests._support.tile_sets import make_cohort

ROOT = Path(__file__).parents[2]
EVERY_STEP = TrainingResources(save_minutes=0)
METHODS = ("noise_modulation", {"name": "scaat", "steps": 1, "warmup": 0, "ramp": 0})
"""Both draw from streams of their own, and notes of the second are columns of the history."""


class Dropping(nn.Module):
    """A network that draws from the global generator."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, num_classes)

    def forward(self, images):
        return self.head(self.drop(self.conv(images).relu().mean((2, 3))))


FOREIGN = NetworkRecipe(module=f"{__name__}:Dropping")
CASES = {
    "methods, in parts": {"methods": METHODS, "accumulate": 2},
    "capped and balanced": {"tiles_per_epoch": 26, "class_balance": "sampling"},
    "of a foreign network": {"network": FOREIGN, "tiles_per_epoch": 24},
}


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def tile_sets(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("cohort"), count=20)[:3]


def job_of(tile_sets, resources=EVERY_STEP, methods=(), **changes):
    values = {"network": NetworkRecipe(width=0.125), "epochs": 2, "batch": 8, "lr": 0.01, **changes}
    arm = ArmRecipe(id="a", regularizers=methods)
    return TrainingJob(tuple(tile_sets), TrainingRecipe(**values), arm, 0, "cpu", resources=resources)


def run(job, folder, advance=lambda n: None):
    out, work = folder / "out", folder / "work"
    out.mkdir(parents=True)
    work.mkdir(exist_ok=True)
    train_classifier(job, out, work, lambda row, epoch: None, advance)
    return {path.name: path.read_bytes() for path in Checkpoint(out).folder.iterdir()}


def killed_after(tiles):
    """Stop in the step after so many tiles. A step is counted before it is saved."""
    seen = [0]

    def advance(number):
        seen[0] += number
        if seen[0] > tiles:
            raise KilledError

    return advance


@pytest.mark.parametrize("case", CASES)
def test_resumed_within_an_epoch_it_ends_with_the_same_bytes(tile_sets, tmp_path, case):
    """Stopped twice, in the first epoch and in the second; the whole one saves nothing within an epoch."""
    whole = run(job_of(tile_sets, TrainingResources(), **CASES[case]), tmp_path / "whole")
    job, folder = job_of(tile_sets, **CASES[case]), tmp_path / "cut"
    steps = job.steps_per_epoch
    for done in (1, steps + 1):
        with pytest.raises(KilledError):
            run(job, folder, killed_after(8 * done))
        (folder / "out").rmdir()
        saved = load_snapshot(folder / "work", job.identity)
        assert (len(saved.history), int(saved.tensors_of("epoch")["steps"])) == divmod(done, steps)
    advanced = []
    assert run(job, folder, advanced.append) == whole
    assert advanced[:2] == [8 * steps, 8]
    assert sum(advanced) == planned_tiles(job)


def test_the_clock_decides_when_it_is_saved(tile_sets, tmp_path, monkeypatch):
    """A look at the clock is a minute after the one before it."""
    minutes = iter(range(1000))
    monkeypatch.setattr(saving, "monotonic", lambda: 60.0 * next(minutes))
    written = []
    save = saving.TrainingRun.save
    monkeypatch.setattr(
        saving.TrainingRun,
        "save",
        lambda run, work, unfinished=None: (
            written.append(0 if unfinished is None else unfinished.steps), save(run, work, unfinished)
        )[1],
    )  # fmt: skip
    run(job_of(tile_sets, TrainingResources(save_minutes=2), batch=4, epochs=1), tmp_path)
    assert written == [2, 4, 6, 0], "eight steps; the last is saved with the epoch"


def test_costs_count_what_was_saved(tile_sets, tmp_path):
    job = job_of(tile_sets, epochs=1)
    with pytest.raises(KilledError):
        run(job, tmp_path, killed_after(16))
    saved = load_snapshot(tmp_path / "work", job.identity).costs
    assert (saved.tiles, saved.epochs) == (16, 0)
    assert 0 < saved.step_seconds < saved.seconds
    (tmp_path / "out").rmdir()
    run(job, tmp_path)
    ended = load_snapshot(tmp_path / "work", job.identity).costs
    assert (ended.tiles, ended.epochs) == (32, 1)
    assert ended.seconds > saved.seconds


VICTIM = """
import sys, time
from pathlib import Path
from tests.training.test_saving import METHODS, job_of
from tests._support.tile_sets import make_cohort
from tasks.training.train import train_classifier
home = Path(sys.argv[1])
seen = [0]
def advance(tiles):
    seen[0] += tiles
    if seen[0] > 48:
        (home / "here").touch()
        time.sleep(600)
job = job_of(make_cohort(home / "cohort", count=20)[:3], methods=METHODS)
train_classifier(job, home / "out", home / "work", lambda row, epoch: None, advance)
"""


@pytest.mark.slow
def test_a_killed_process_loses_no_more_than_the_step_it_was_in(tmp_path, monkeypatch):
    """SIGKILL in the third step of the second epoch, in a process with as many threads as this one."""
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    for name in ("out", "work"):
        (tmp_path / name).mkdir()
    with (tmp_path / "log").open("wb") as log:
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(tmp_path)], cwd=ROOT, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + 600
            while not (tmp_path / "here").exists():
                assert victim.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline, "the step was never reached"
                time.sleep(0.1)
        finally:
            victim.kill()
            victim.wait()
    job = job_of(make_cohort(tmp_path / "cohort", count=20)[:3], methods=METHODS)
    saved = load_snapshot(tmp_path / "work", job.identity)
    assert (len(saved.history), int(saved.tensors_of("epoch")["steps"])) == (1, 2)
    (tmp_path / "out").rmdir()
    resumed = run(job, tmp_path)
    assert resumed == run(job_of(job.tile_sets, TrainingResources(), METHODS), tmp_path / "whole")


def test_resources_are_no_part_of_what_is_resumed(tile_sets):
    jobs = [job_of(tile_sets, resources) for resources in (EVERY_STEP, TrainingResources())]
    assert jobs[0].identity == jobs[1].identity
    assert torch.device(jobs[0].device).type == "cpu"


@dataclass(frozen=True)
class PretendRank(Rank):
    """One of two processes; ``due`` is what the first says of its clock."""

    due: bool = False

    def mean(self, values):
        told.append(float(values))
        return torch.tensor(float(self.due) / 2)


told: list[float] = []


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("due", [False, True])
def test_the_first_of_several_processes_decides_for_all_and_they_seldom_ask(monkeypatch, number, due):
    """The clock of the second is always late here, and does not count."""
    monkeypatch.setattr(saving, "monotonic", iter(60.0 * n for n in range(10**6)).__next__)
    job = SimpleNamespace(rank=PretendRank(number, 2, due), resources=TrainingResources(save_minutes=0))
    saver = saving.EpochSaver(SimpleNamespace(job=job, device=torch.device("cpu")), None, None)
    told.clear()
    steps = range(1, 3 * saving.SHARED_EVERY + 1)
    assert [step for step in steps if saver._due(step)] == (list(steps[19::20]) if due else [])
    assert told == [1.0 - number] * 3
