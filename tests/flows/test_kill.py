"""kill -9 in the middle of training and of explaining: the next run resumes and ends with the same result."""

import os
import signal
import subprocess
import sys
import time

import pytest

from flows.study import study
from tasks.artifacts.store import Store
from tests._support.studies import tiny_config

pytestmark = pytest.mark.slow

KINDS = ("TileSet", "Checkpoint", "Predictions", "Attributions", "FaithfulnessReport")
# Waits at a chosen place for the signal that ends it, so that the kill always falls in the middle.
VICTIM = """
import sys, time
from pathlib import Path
place, config, home = sys.argv[1], Path(sys.argv[2]).read_text(), Path(sys.argv[3])
from flows.environment import prepare
prepare(home)
from flows.config import StudyConfig
from flows.study import study
def wait(*_):
    (home / "here").touch()
    time.sleep(600)
if place == "train":
    import tasks.training.train as module
    whole, calls = module._one_epoch, []
    def epoch(*words):
        calls.append(1)
        return wait() if len(calls) == 2 else whole(*words)
    module._one_epoch = epoch
else:
    import tasks.explaining.slide as module
    whole, calls = module.explain_block, []
    def explain(*words):
        calls.append(1)
        return wait() if len(calls) == 4 else whole(*words)
    module.explain_block = explain
study(StudyConfig.model_validate_json(config), home)
"""


def kill_in(place, config, folder):
    """Start the study, wait until it is in the middle of ``place``, and kill it with all it started."""
    (folder / "config.json").write_text(config.model_dump_json())
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "here").unlink(missing_ok=True)
    words = [sys.executable, "-c", VICTIM, place, str(folder / "config.json"), str(home)]
    with (folder / f"{place}.log").open("wb") as log:
        victim = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 240
    while not (home / "here").exists():
        assert victim.poll() is None, (folder / f"{place}.log").read_text()
        assert time.monotonic() < deadline, f"{place} was never reached"
        time.sleep(0.2)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()


def made(home):
    store = Store(home)
    return {r.spec.label: r.digest for kind in KINDS for r in store.records(kind)}


def test_two_kills_change_nothing(manifest, tmp_path, prefect):
    config = tiny_config(manifest)
    kill_in("train", config, tmp_path)
    after_train = made(tmp_path / "home")
    assert {label.partition("/")[0] for label in after_train} == {"tile"}
    snapshots = [p for p in (tmp_path / "home" / "work").rglob("*") if p.is_file() and p.stat().st_size > 1e4]
    assert snapshots, "the finished epoch was kept"

    kill_in("explain", config, tmp_path)
    after_explain = made(tmp_path / "home")
    assert {label.partition("/")[0] for label in after_explain} == {"tile", "train", "predict", "explain"}
    assert not [label for label in after_explain if label.startswith("evaluate")]

    outcome = study(config, tmp_path / "home")
    assert not [label for label in outcome.executed if label in after_explain], "nothing finished ran again"
    study(config, tmp_path / "undisturbed")
    assert made(tmp_path / "home") == made(tmp_path / "undisturbed")
