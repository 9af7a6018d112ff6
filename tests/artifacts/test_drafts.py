"""What dead processes were writing goes; what living ones or other machines write stays."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.artifacts.drafts import draft_name, is_abandoned, sweep
from tasks.artifacts.process_identity import this_process
from tasks.artifacts.record import write_atomically
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store
from tasks.artifacts.unused import unused

ROOT = Path(__file__).parents[2]
SPEC = ArtifactSpec(stage="tile", label="tile/a", kind="TileSet", recipe={"value": 1})
AT_WORK = """
import os, signal, sys, time
from pathlib import Path
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store
spec = ArtifactSpec(stage="tile", label="tile/a", kind="TileSet", recipe={"value": 1})
store = Store(Path(sys.argv[1]))
def write(out):
    (out / "half").write_text("half")
    work = store.work(spec)
    (work / "epoch_3").write_text("kept")
    (work / ".unfinished.safetensors.1").write_text("half")
    print("here", flush=True)
    time.sleep(600)
store.reuse_or_build(spec, write)
"""


def named(process, of="1a2b"):
    return f"{of}@{process.text}@00c0ffee"


def test_a_draft_is_abandoned_only_where_its_process_is_known_to_be_dead(tmp_path):
    own = this_process()
    assert not is_abandoned(tmp_path / draft_name("1a2b"))
    assert is_abandoned(tmp_path / named(replace(own, started=own.started - 100_000)))
    assert not is_abandoned(tmp_path / named(replace(own, host="elsewhere.example.org-1", pid=1)))
    for unknown in ("1a2b.4711.00c0ffee", "1a2b", "a@b", "1a2b@4711@00c0ffee"):
        assert not is_abandoned(tmp_path / unknown)


@pytest.fixture
def home(tmp_path):
    for folder in ("store/.drafts", "work/failed", "work/locks"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_drafts_of_the_dead_go_and_no_others(home):
    own = this_process()
    dead, far = replace(own, started=own.started - 100_000), replace(own, host="elsewhere-1", pid=1)
    gone, stays = [], []
    for process, kind in ((dead, gone), (own, stays), (far, stays)):
        folder = home / "store" / ".drafts" / named(process)
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "x").write_text("x")
        files = (home / "store" / ".drafts", home / "work", home / "work" / "failed", home)
        kind += [folder, *(f / named(process, ".a.json") for f in files)]
    for path in (*gone[1:], *stays[1:5], *stays[6:]):
        path.write_text("half")
    (home / "salt").write_text("salt")
    assert sorted(sweep(home, home / "store" / ".drafts")) == sorted(path.name for path in gone)
    assert not [path for path in gone if path.exists()]
    assert all(path.exists() for path in (*stays, home / "salt"))
    assert sweep(home, home / "store" / ".drafts") == []


def test_work_that_may_be_resumed_stays_and_what_was_half_written_in_it_goes_with_its_process(home):
    store = Store(home)
    with subprocess.Popen(
        [sys.executable, "-c", AT_WORK, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "here\n"
        assert sweep(home, store.drafts) == [], "its process lives"
        (draft,) = store.drafts.iterdir()
        victim.kill()
        victim.wait()
    assert [item.folder for item in unused(store, 30)] == [draft], "it is told although it is young"
    swept = sweep(home, store.drafts)
    assert sorted(swept) == sorted([draft.name, ".unfinished.safetensors.1"])
    assert [path.name for path in store.work(SPEC).iterdir()] == ["epoch_3"]
    assert unused(store, 30) == []


def test_a_text_that_could_not_be_written_leaves_nothing(tmp_path, monkeypatch):
    write_atomically(tmp_path / "a", "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "a", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_an_old_draft_of_an_unknown_process_is_told_only_after_days(home):
    store, old = Store(home), time.time() - 40 * 24 * 3600
    draft = store.drafts / "1a2b.4711.00c0ffee"
    draft.mkdir()
    assert unused(store, 30) == []
    os.utime(draft, (old, old))
    assert [item.folder for item in unused(store, 30)] == [draft]
