"""What a finished study rests on never goes; what nothing rests on goes when asked, and only then."""

import os
import time

import pytest

from tasks.artifacts.record import new_record
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store
from tasks.artifacts.unused import LEFTOVER, clear, unused

OLD = time.time() - 40 * 24 * 3600


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def part(kind, value, inputs=(), study=None):
    recipe = {"value": value} | ({"study": study} if study else {})
    named = {f"input{n}": str(reference) for n, reference in enumerate(inputs)}
    return ArtifactSpec(stage="any", label=f"{kind}/{value}", kind=kind, recipe=recipe, inputs=named)


def made(store, kind, value, inputs=(), study=None, *, old=True, text=None):
    """Return the reference of an artifact that was used last 40 days ago, or now."""

    def write(out):
        (out / "a.txt").write_text(text or f"{kind} {value}")

    reference = store.reuse_or_build(part(kind, value, inputs, study), write)
    if old:
        age(store.root / kind / reference.fingerprint)
    return reference


def age(folder):
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (OLD, OLD))


def labels(items):
    return sorted(item.record.spec.label if item.record else item.folder.name for item in items)


def test_what_a_recording_was_made_from_stays_through_any_number_of_steps(store):
    tiles = made(store, "TileSet", 1)
    weights = made(store, "Checkpoint", 1, [tiles])
    maps = made(store, "Attributions", 1, [weights, tiles])
    made(store, "Recording", 1, [maps], study="s")
    lone = made(store, "Attributions", 2, [weights])
    found = unused(store, 30)
    assert labels(found) == ["Attributions/2"]
    assert found[0].size == len("Attributions 2")
    assert found[0].folder == store.path(lone)


def test_what_was_used_lately_stays(store):
    made(store, "TileSet", 1, old=False)
    old = made(store, "TileSet", 2)
    assert labels(unused(store, 30)) == ["TileSet/2"]
    assert unused(store, 50) == []
    assert store.use(part("TileSet", 2)).reference == old
    assert unused(store, 30) == []


def test_of_each_study_the_recording_that_was_used_last_counts(store):
    first, second, other = (made(store, "Comparison", n) for n in range(3))
    made(store, "Recording", 1, [first], study="s")
    made(store, "Recording", 2, [second], study="s", old=False)
    made(store, "Recording", 3, [other], study="t")
    assert labels(unused(store, 30)) == ["Comparison/0", "Recording/1"]


def test_an_adopted_artifact_keeps_the_payload_that_it_shares(store):
    source = store.record(made(store, "Checkpoint", 1))
    own = part("Checkpoint", 2)
    adopted = new_record(own, source.digest, source.files, {}).model_copy(update={"payload": source.payload})
    store.put(adopted)
    made(store, "Recording", 1, [adopted.reference], study="s")
    items = unused(store, 30)
    assert labels(items) == ["Checkpoint/1"]
    assert items[0].size == 0
    assert labels(clear(store, items)) == ["Checkpoint/1"]
    assert store.find(part("Checkpoint", 1)) is None
    assert (store.path(adopted.reference) / "a.txt").read_text() == "Checkpoint 1"


def test_two_unused_ones_with_one_payload_count_and_free_it_once(store):
    source = store.record(made(store, "Checkpoint", 1))
    own = part("Checkpoint", 2)
    store.put(new_record(own, source.digest, source.files, {}).model_copy(update={"payload": source.payload}))
    age(store.root)
    items = unused(store, 30)
    assert labels(items) == ["Checkpoint/1", "Checkpoint/2"]
    assert sum(item.size for item in items) == len("Checkpoint 1")
    assert len(list(clear(store, items))) == 2
    assert not list((store.root / "Checkpoint").iterdir())


def test_replaced_bytes_drafts_and_unfinished_work_are_left_over_once_they_are_old(store, tmp_path):
    made(store, "TileSet", 1, text="one", old=False)
    store.reuse_or_build(
        part("TileSet", 1), lambda out: (out / "a.txt").write_text("two") and None, force=True
    )
    (store.drafts / "x").mkdir(parents=True)
    (store.drafts / "x" / "half").write_text("half")
    work = store.work(part("TileSet", 9))
    (work / "deep").mkdir()
    (work / "deep" / "span").write_text("span")
    assert unused(store, 30) == []
    for folder in (store.root, tmp_path / "work"):
        age(folder)
    (work / "deep" / "span").touch()
    found = unused(store, 30)
    assert {item.kind for item in found} == {LEFTOVER, "TileSet"}
    assert sorted(item.size for item in found if item.kind == LEFTOVER) == [len("one"), len("half")]
    os.utime(work / "deep" / "span", (OLD, OLD))
    assert len(unused(store, 30)) == len(found) + 1


def test_clearing_deletes_what_is_listed_and_nothing_else(store):
    tiles = made(store, "TileSet", 1)
    made(store, "Recording", 1, [tiles], study="s")
    gone = made(store, "TileSet", 2)
    assert labels(clear(store, unused(store, 30))) == ["TileSet/2"]
    assert store.find(part("TileSet", 2)) is None
    assert not (store.root / "TileSet" / gone.fingerprint).exists()
    assert store.path(tiles).is_dir()
    assert unused(store, 30) == []


def test_one_that_a_run_uses_before_it_is_deleted_stays(store):
    reference = made(store, "TileSet", 1)
    items = unused(store, 30)
    assert store.use(part("TileSet", 1)) is not None
    assert list(clear(store, items)) == []
    assert store.path(reference).is_dir()


def test_a_clock_that_went_back_makes_nothing_look_unused(store, monkeypatch):
    reference = made(store, "TileSet", 1, old=False)
    record, now = store.record(reference), time.time()
    monkeypatch.setattr("tasks.artifacts.record.time.time", lambda: now - 400 * 24 * 3600)
    before = store.used(record)
    assert store.use(part("TileSet", 1)) is not None
    assert store.used(record) == before
    assert unused(store, 1) == []
    monkeypatch.undo()
    assert unused(store, 1) == []


def test_a_recording_from_the_future_and_the_last_before_it_both_count(store):
    first, second, third = (made(store, "Comparison", n) for n in range(3))
    made(store, "Recording", 1, [first], study="s")
    second_recording = made(store, "Recording", 2, [second], study="s")
    newer = OLD + 3600
    os.utime(store.root / "Recording" / second_recording.fingerprint / "artifact.json", (newer, newer))
    ahead = made(store, "Recording", 3, [third], study="s")
    future = time.time() + 400 * 24 * 3600
    os.utime(store.root / "Recording" / ahead.fingerprint / "artifact.json", (future, future))
    assert labels(unused(store, 30)) == ["Comparison/0", "Recording/1"]


def test_what_a_run_takes_away_meanwhile_is_no_error(store, monkeypatch):
    draft = store.drafts / "x"
    draft.mkdir(parents=True)
    (draft / "half").write_text("half")
    age(store.root)
    walk = os.walk

    def walk_late(folder):
        found = list(walk(folder))
        (draft / "half").unlink(missing_ok=True)
        age(store.root)
        return iter(found)

    monkeypatch.setattr("tasks.artifacts.backends.folder.os.walk", walk_late)
    assert [item.folder for item in unused(store, 30)] == [draft]
