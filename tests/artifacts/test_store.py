import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import MissingArtifactError, Store


def part(value=1, label="tile/a"):
    return ArtifactSpec(stage="tile", label=label, kind="TileSet", recipe={"value": value})


def writer(text="hello", calls=None):
    def write(out):
        if calls is not None:
            calls.append(out)
        (out / "sub").mkdir()
        (out / "sub" / "a.txt").write_text(text)
        return {"megabytes": 1.0}

    return write


def test_made_once_then_reused(tmp_path):
    store, calls = Store(tmp_path), []
    first = store.reuse_or_build(part(), writer(calls=calls))
    second = store.reuse_or_build(part(), writer(calls=calls))
    assert first == second
    assert len(calls) == 1
    assert (store.path(first) / "sub" / "a.txt").read_text() == "hello"


def test_equal_bytes_have_equal_digests_whatever_the_time_or_recipe(tmp_path):
    store = Store(tmp_path)
    a, b = store.reuse_or_build(part(1), writer()), store.reuse_or_build(part(2), writer())
    assert a.digest == b.digest
    assert a.fingerprint != b.fingerprint


def test_a_writer_that_raises_leaves_nothing(tmp_path):
    def write(out):
        (out / "half.txt").write_text("half")
        raise RuntimeError("the disk is full")

    store = Store(tmp_path)
    with pytest.raises(RuntimeError, match="disk is full"):
        store.reuse_or_build(part(), write)
    assert store.find(part()) is None
    assert not list((tmp_path / "store").rglob("half.txt"))


def test_force_makes_it_again_and_points_to_the_new_bytes(tmp_path):
    store = Store(tmp_path)
    old = store.reuse_or_build(part(), writer("one"))
    new = store.reuse_or_build(part(), writer("two"), force=True)
    assert new.fingerprint == old.fingerprint
    assert new.digest != old.digest
    with pytest.raises(MissingArtifactError, match="is not in the store"):
        store.path(old)
    assert (store.path(new) / "sub" / "a.txt").read_text() == "two"


def test_force_with_equal_bytes_repairs_the_payload_in_place(tmp_path):
    store = Store(tmp_path)
    reference = store.reuse_or_build(part(), writer())
    (store.path(reference) / "sub" / "a.txt").write_text("jello")
    assert store.reuse_or_build(part(), writer(), force=True) == reference
    assert (store.path(reference) / "sub" / "a.txt").read_text() == "hello"


def flip_one_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def test_one_flipped_byte_is_noticed_reported_and_rebuilt(tmp_path, caplog):
    store, calls = Store(tmp_path), []
    reference = store.reuse_or_build(part(), writer(calls=calls))
    flip_one_byte(store.path(reference) / "sub" / "a.txt")
    with pytest.raises(MissingArtifactError, match="other bytes than were written"):
        store.path(reference)
    assert store.reuse_or_build(part(), writer(calls=calls)) == reference
    assert "damaged artifact" in caplog.text
    assert len(calls) == 2
    assert (store.path(reference) / "sub" / "a.txt").read_text() == "hello"


def test_a_flip_that_hides_its_time_is_found_by_a_full_check(tmp_path):
    store = Store(tmp_path)
    path = store.path(store.reuse_or_build(part(), writer())) / "sub" / "a.txt"
    stat = path.stat()
    flip_one_byte(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert store.find(part()) is not None
    assert store.find(part(), full=True) is None


@pytest.mark.parametrize("harm", ["missing", "shorter"])
def test_missing_and_shortened_files_are_damage(tmp_path, harm):
    store = Store(tmp_path)
    path = store.path(store.reuse_or_build(part(), writer())) / "sub" / "a.txt"
    if harm == "missing":
        path.unlink()
    else:
        path.write_text("hell")
    assert store.find(part()) is None


def test_a_torn_record_counts_as_none(tmp_path):
    store = Store(tmp_path)
    reference = store.reuse_or_build(part(), writer())
    pointer = tmp_path / "store" / "TileSet" / reference.fingerprint / "artifact.json"
    pointer.write_text(pointer.read_text()[:40])
    assert store.find(part()) is None


def test_racing_builders_make_it_once(tmp_path):
    store, calls = Store(tmp_path), []
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: store.reuse_or_build(part(), writer(calls=calls)), range(8)))
    assert len(set(made)) == 1
    assert len(calls) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store
def write(out):
    (out / "a.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
part = ArtifactSpec(stage="tile", label="tile/a", kind="TileSet", recipe={"value": 1})
Store(Path(sys.argv[1])).reuse_or_build(part, write)
"""


def test_a_killed_builder_leaves_no_artifact_and_no_lock(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -9
    store = Store(tmp_path)
    assert store.find(part()) is None
    assert (store.path(store.reuse_or_build(part(), writer())) / "sub" / "a.txt").read_text() == "hello"


def test_unfinished_work_is_forgotten_when_the_part_is_done(tmp_path):
    store = Store(tmp_path)

    def write(out):
        (store.work(part()) / "epoch_3").write_text("state")
        (out / "a.txt").write_text("x")

    store.reuse_or_build(part(), write)
    assert not list(store.work(part()).iterdir())


def test_the_record_describes_itself(tmp_path):
    store = Store(tmp_path)
    record = store.record(store.reuse_or_build(part(), writer()))
    assert record.spec == part()
    assert record.measures["megabytes"] == 1.0
    assert record.measures["seconds"] >= 0
    assert record.files[0].path == "sub/a.txt"
    assert record.files[0].size == 5
    assert record.versions["python"].startswith("3.")
