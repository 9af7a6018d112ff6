"""A disk that fills in the middle of a study ends each run with one sentence; the next one goes on.

Each run is a process of its own: where a file is mapped that has no space, the kernel ends it with SIGBUS.
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status
from flows.open_study import open_study
from tasks.artifacts.store import Store
from tests._support.full_disk import config_of_every_stage, started, stored_bytes
from tests._support.mounts import small_disk

ROOT = Path(__file__).parents[2]
KEPT = ("Recording",)
"""Kinds whose payload holds a number drawn at random: those of MLflow's runs."""


@pytest.fixture(scope="module")
def config(manifest, tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "every.json"
    path.write_text(config_of_every_stage(manifest).model_dump_json())
    return path


def refuse_anything_but_one_sentence(told):
    lines = [line for line in told.splitlines() if "could not be written" in line]
    assert len(lines) == 1, told
    assert "run the same command again" in lines[0]
    assert "Traceback" not in told


def states(manifest, home):
    plan = Plan(open_study(config_of_every_stage(manifest), home, None))
    return Counter(status.state for status in plan_status(plan, RerunOptions()))


@pytest.fixture(scope="module")
def home(config, tmp_path_factory):
    """A home of a study that met two limits before it ended well."""
    home = tmp_path_factory.mktemp("limits") / "home"
    for limit, stage in ((100_000, "tile/"), (500_000, "train/")):
        ended = started(config, home, limit)
        assert ended.returncode == 1, ended.stderr
        refuse_anything_but_one_sentence(ended.stderr)
        assert f"error: {stage}" in ended.stderr
        assert not any((home / "store" / ".drafts").iterdir())
        assert not (home / "work" / "failed").exists()
    ended = started(config, home)
    assert ended.returncode == 0, ended.stderr
    return home


@pytest.mark.slow
def test_after_two_refusals_all_is_made(manifest, home):
    assert set(states(manifest, home)) == {"done"}


@pytest.mark.slow
def test_a_home_may_be_moved_and_copied_and_nothing_is_made_again(manifest, config, home, tmp_path):
    before = stored_bytes(home)
    moved = shutil.move(home, tmp_path / "moved to" / "hôme")
    copied = Path(shutil.copytree(moved, tmp_path / "copy"))
    shutil.rmtree(moved)  # what a copy reads is its own
    assert set(states(manifest, copied)) == {"done"}
    ended = started(config, copied)
    assert ended.returncode == 0, ended.stderr
    assert "to make: none" in ended.stderr or ended.stderr == ""
    assert stored_bytes(copied) == before
    store = Store(copied)
    (page,) = store.records("ReviewPage")
    assert "<html" in (store.path(page.reference) / "review.html").read_text(encoding="utf-8")
    files = [path for path in (copied / "store").rglob("*") if path.is_file()]
    assert not [path for path in files if str(home.parent).encode() in path.read_bytes()]
    shutil.move(copied, home)


@pytest.mark.slow
def test_a_cohort_may_be_moved_too(manifest, home, tmp_path):
    shutil.copytree(manifest.parent, tmp_path / "cohort")
    assert set(states(tmp_path / "cohort" / manifest.name, home)) == {"done"}


@pytest.mark.soak
def test_the_disk_fills_in_every_stage_and_each_run_goes_on(manifest, config, tmp_path):
    with small_disk(tmp_path / "disk", "64m") as disk:
        words = [
            "-m",
            "tests._support.full_disk_sweep",
            str(config),
            str(disk / "home"),
            "0",
            "30000",
            "200000",
        ]
        swept = subprocess.run(
            [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert swept.returncode == 0, swept.stderr
        attempts = [json.loads(line) for line in swept.stdout.splitlines()]
        told = [attempt["said"] for attempt in attempts if attempt["said"]]
        for said in told:
            refuse_anything_but_one_sentence(said)
        met = {stage for attempt in attempts for stage in attempt["met"]}  # a run tells one cause once
        assert met >= {
            "tile",
            "train",
            "predict",
            "explain",
            "draw",
            "evaluate",
            "compare",
            "review",
            "record",
        }
        ended = started(config, disk / "home")
        assert ended.returncode == 0, ended.stderr
        assert set(states(manifest, disk / "home")) == {"done"}
        assert not any((disk / "home" / "store" / ".drafts").iterdir())
        undisturbed = started(config, tmp_path / "undisturbed")
        assert undisturbed.returncode == 0, undisturbed.stderr
        assert stored_bytes(disk / "home", *KEPT) == stored_bytes(tmp_path / "undisturbed", *KEPT)
