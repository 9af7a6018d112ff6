"""Costs of a training that was interrupted are those of all its calls, and no payload holds them."""

from itertools import count

import pytest

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.recipe import NetworkRecipe
from tasks.training import costs, train
from tasks.training.costs import TrainingCosts
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.train import planned_tiles, train_classifier
from tests._support.tile_sets import make_cohort


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    tile_sets = make_cohort(tmp_path_factory.mktemp("cohort"), count=40)[:3]
    recipe = TrainingRecipe(network=NetworkRecipe(width=0.125), epochs=3, batch=16, lr=0.01)
    return TrainingJob(tuple(tile_sets), recipe, ArmRecipe(id="standard"), 0, "cpu")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Every reading is a second after the one before: three of an epoch, one at either end of a call."""
    seconds = count()
    monkeypatch.setattr(costs, "perf_counter", lambda: float(next(seconds)))


@pytest.fixture
def memory(monkeypatch):
    """A call peaks at what the test puts here."""
    peak = [0.0]
    monkeypatch.setattr(train, "_peak_memory_mb", lambda device: peak[0])
    return peak


def run(job, folder, advance=lambda n: None):
    out, work = folder / "out", folder / "work"
    out.mkdir(parents=True)
    work.mkdir(exist_ok=True)
    measures = train_classifier(job, out, work, lambda row, epoch: None, advance)
    return {path.name: path.read_bytes() for path in Checkpoint(out).folder.iterdir()}, measures


def kill_after(tiles):
    """Stop once more than so many tiles were trained on."""
    seen = [0]

    def advance(number):
        seen[0] += number
        if seen[0] > tiles:
            raise KilledError

    return advance


def test_seconds_and_tiles_are_sums_over_all_calls_and_memory_is_the_highest(job, tmp_path, memory):
    memory[0] = 300.0
    whole, at_once = run(job, tmp_path / "whole")
    assert at_once == {
        "seconds": 10.0, "tiles_per_second": planned_tiles(job) / 3, "peak_memory_mb": 300.0, "epochs": 3.0,
        "resumed_epochs": 0.0,
    }  # fmt: skip
    memory[0] = 500.0
    with pytest.raises(KilledError):
        run(job, tmp_path / "cut", kill_after(2 * job.tiles_per_epoch))
    (tmp_path / "cut" / "out").rmdir()
    memory[0] = 100.0
    resumed, in_two = run(job, tmp_path / "cut")
    assert in_two == {**at_once, "peak_memory_mb": 500.0, "resumed_epochs": 2.0}
    assert resumed == whole


def test_what_an_unfinished_epoch_took_is_not_counted(job, tmp_path, memory):
    """Killed twice, the first time before any epoch was finished."""
    for tiles in (0, job.tiles_per_epoch):
        with pytest.raises(KilledError):
            run(job, tmp_path, kill_after(tiles))
        (tmp_path / "out").rmdir()
    _, measures = run(job, tmp_path)
    assert (measures["seconds"], measures["epochs"], measures["resumed_epochs"]) == (10.0, 3.0, 1.0)


def test_no_byte_of_the_checkpoint_depends_on_what_was_measured(job, tmp_path, monkeypatch, memory):
    quick, _ = run(job, tmp_path / "quick")
    hours = count(step=3600)
    monkeypatch.setattr(costs, "perf_counter", lambda: float(next(hours)))
    memory[0] = 9000.0
    slow, measures = run(job, tmp_path / "slow")
    assert measures["seconds"] == 36000.0
    assert slow == quick


def test_costs_add_up():
    one, other = TrainingCosts(2.0, 1.0, 64, 1, 30.0), TrainingCosts(4.0, 3.0, 64, 1, 20.0)
    assert one.plus(other) == TrainingCosts(6.0, 4.0, 128, 2, 30.0)
    assert one.plus(other).measures == {
        "seconds": 6.0, "tiles_per_second": 32.0, "peak_memory_mb": 30.0, "epochs": 2.0,
    }  # fmt: skip
    assert TrainingCosts().measures["tiles_per_second"] == 0.0
