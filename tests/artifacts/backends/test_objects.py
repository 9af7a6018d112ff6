"""A store in an S3 bucket and one in memory: what is there is whole, and two writers agree on one."""

import signal
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from threading import Barrier

import pytest

from tasks.artifacts.backends.address import read_address
from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.backends.errors import StoreError
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import MissingArtifactError, Store
from tasks.artifacts.unused import clear, unused


class NoLocks:
    def held(self, spec: ArtifactSpec) -> AbstractContextManager[None]:
        return nullcontext()


BOTH = pytest.mark.parametrize("url", ["s3", "memory"], indirect=True)
"""Where stores differ; all else is tried in memory, which is quicker."""


@pytest.fixture
def url(request):
    if getattr(request, "param", "memory") == "s3":
        return f"{request.getfixturevalue('bucket_url')}/studies"
    return f"memory://{uuid.uuid4().hex}"


@pytest.fixture
def store(url, tmp_path):
    return Store(tmp_path / "home", url)


def part(value=1, kind="TileSet", inputs=(), study=None):
    named = {f"input{n}": reference for n, reference in enumerate(inputs)}
    recipe = {"value": value} | ({"study": study} if study else {})
    return ArtifactSpec(stage="tile", label=f"tile/{value}", kind=kind, recipe=recipe, inputs=named)


def writer(text="hello", calls=None):
    def write(out):
        if calls is not None:
            calls.append(out)
        (out / "sub").mkdir()
        (out / "sub" / "a.txt").write_text(text)
        (out / "empty").write_text("")
        return {"megabytes": 1.0}

    return write


def objects(store):
    return store.backend.bucket.list("")


@BOTH
def test_made_once_then_reused_by_another_home_too(store, url, tmp_path):
    calls = []
    first = store.reuse_or_build(part(), writer(calls=calls))
    other = Store(tmp_path / "other", url)
    assert other.reuse_or_build(part(), writer(calls=calls)) == first
    assert len(calls) == 1
    folder = other.path(first)
    assert folder.is_relative_to(tmp_path / "other" / "cache")
    assert (folder / "sub" / "a.txt").read_text() == "hello"
    assert other.use(part()).reference == first
    assert [record.reference for record in other.records("TileSet")] == [first]
    assert other.kinds() == ["TileSet"]
    assert not [name for name in objects(store) if name.startswith(".leases")]


def test_the_objects_have_the_names_of_the_files_of_a_store_on_disk(store, tmp_path):
    store.reuse_or_build(part(), writer())
    local = Store(tmp_path / "local")
    local.reuse_or_build(part(), writer())
    files = {p.relative_to(local.root).as_posix() for p in local.root.rglob("*") if p.is_file()}
    assert set(objects(store)) == files


def test_a_writer_that_raises_leaves_nothing(store):
    def write(out):
        (out / "half.txt").write_text("half")
        raise RuntimeError("no more memory")

    with pytest.raises(RuntimeError, match="no more memory"):
        store.reuse_or_build(part(), write)
    assert objects(store) == {}
    assert not list(store.drafts.iterdir())


@BOTH
def test_an_upload_that_ends_before_the_record_is_no_artifact(store, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "create", lambda self, name, data: name.startswith(".leases") or killed())
        with pytest.raises(KeyboardInterrupt):
            store.reuse_or_build(part(), writer())
    assert any(name.endswith("sub/a.txt") for name in objects(store)), "the payload was up already"
    assert store.find(part()) is None
    calls = []
    reference = store.reuse_or_build(part(), writer(calls=calls))
    assert len(calls) == 1
    assert store.find(part()).reference == reference


@BOTH
def test_two_writers_of_other_bytes_agree_on_one(url, tmp_path):
    barrier = Barrier(2)

    def build(name):
        own = Store(tmp_path / name, url)
        own.backend._locks = NoLocks()

        def write(out):
            barrier.wait(60)
            (out / "a.txt").write_text(name)

        reference = own.reuse_or_build(part(), write)
        return reference, (own.path(reference) / "a.txt").read_text()

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(build, ["one", "two"])
    assert one == other
    assert Store(tmp_path / "third", url).find(part()).reference == one[0]


def test_force_replaces_and_the_bytes_of_before_are_left_over(store):
    old = store.reuse_or_build(part(), writer("one"))
    new = store.reuse_or_build(part(), writer("two"), force=True)
    assert new.digest != old.digest
    with pytest.raises(MissingArtifactError, match="is not in the store"):
        store.path(old)
    assert (store.path(new) / "sub" / "a.txt").read_text() == "two"
    assert [item.folder.as_posix() for item in store.strays([store.folder(store.record(new))])] == [
        f"TileSet/{old.fingerprint}/{old.digest}"
    ]


@pytest.mark.parametrize("harm", ["missing", "shorter"])
def test_a_damaged_payload_is_made_again(store, url, tmp_path, harm):
    reference = store.reuse_or_build(part(), writer())
    name = next(name for name in objects(store) if name.endswith("sub/a.txt"))
    bucket = store.backend.bucket
    bucket.delete([name]) if harm == "missing" else bucket.overwrite(name, b"hell")
    other = Store(tmp_path / "other", url)
    assert other.find(part()) is None
    assert other.reuse_or_build(part(), writer()) == reference
    assert (other.path(reference) / "sub" / "a.txt").read_text() == "hello"


def test_other_bytes_of_the_same_size_are_never_handed_out(store, url, tmp_path):
    reference = store.reuse_or_build(part(), writer())
    name = next(name for name in objects(store) if name.endswith("sub/a.txt"))
    store.backend.bucket.overwrite(name, b"jello")
    other = Store(tmp_path / "other", url)
    with pytest.raises(StoreError, match="other bytes"):
        other.path(reference)
    assert other.find(part(), full=True) is None
    assert other.reuse_or_build(part(), writer(), force=True) == reference
    assert other.find(part(), full=True).reference == reference


@BOTH
def test_a_torn_record_counts_as_none_and_is_replaced(store):
    reference = store.reuse_or_build(part(), writer())
    name = f"TileSet/{reference.fingerprint}/artifact.json"
    store.backend.bucket.overwrite(name, b"{")
    assert store.find(part()) is None
    assert store.reuse_or_build(part(), writer()) == reference
    assert store.find(part()).reference == reference


def test_a_damaged_copy_in_the_cache_is_fetched_again(store):
    reference = store.reuse_or_build(part(), writer())
    path = store.path(reference) / "sub" / "a.txt"
    path.write_text("jello")
    assert (store.path(reference) / "sub" / "a.txt").read_text() == "hello"


@BOTH
def test_what_no_recording_uses_is_cleared(store, monkeypatch):
    kept = store.reuse_or_build(part(1), writer())
    store.reuse_or_build(part(2), writer("lone"))
    store.reuse_or_build(part(3, "Recording", [kept], study="s"), writer("recording"))
    assert unused(store, 1) == []
    import time

    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 40 * 24 * 3600)
    items = unused(store, 30)
    assert [item.record.spec.label for item in items] == ["tile/2"]
    assert items[0].size == len("lone")
    assert len(list(clear(store, items))) == 1
    assert store.find(part(2)) is None
    assert store.find(part(1)).reference == kept


def test_an_adopted_artifact_stands_for_the_payload_of_another_kind(store):
    old = store.record(store.reuse_or_build(part(1, "AttributionSet"), writer()))
    new = old.model_copy(
        update={"spec": part(1, "Attributions"), "fingerprint": part(1, "Attributions").fingerprint}
    )
    store.adopt(old, new)
    assert (
        store.path(store.find(part(1, "Attributions")).reference) / "sub" / "a.txt"
    ).read_text() == "hello"


def test_a_listing_is_asked_once_for_many_artifacts(store, url, tmp_path, monkeypatch):
    for value in range(5):
        store.reuse_or_build(part(value), writer())
    other, asked = Store(tmp_path / "other", url), []
    listing = Bucket.list
    monkeypatch.setattr(Bucket, "list", lambda self, prefix: asked.append(prefix) or listing(self, prefix))
    monkeypatch.setattr(Bucket, "read", lambda *_: pytest.fail("records are read together"))
    assert all(other.use(part(value)) is not None for value in range(5))
    assert asked == ["TileSet/"]


def test_large_objects_go_up_in_parts_and_are_checked_by_their_tag(bucket_url, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.artifacts.backends.bucket.PIECE_BYTES", 5 << 20)
    monkeypatch.setattr("tasks.artifacts.backends.payload_transfer.PIECE_BYTES", 5 << 20)
    monkeypatch.setattr(Bucket, "sha256", lambda *_: pytest.fail("the tag tells"))
    store = Store(tmp_path, bucket_url)

    def write(out):
        (out / "large").write_bytes(bytes(range(256)) * (50 << 10))

    reference = store.reuse_or_build(part(), write)
    name = f"TileSet/{reference.fingerprint}/{reference.digest}/large"
    assert store.backend.bucket.info(name).tag.strip('"').endswith("-3")


def test_an_address_that_nothing_reads_is_refused():
    from tasks.artifacts.backends.errors import StoreAddressError

    with pytest.raises(StoreAddressError, match="cannot be used"):
        Bucket(read_address("nosuch://bucket/x"))


KILLED = """
import os, signal, sys
from pathlib import Path
from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store
upload = Bucket.upload
def half(self, files):
    first = sorted(files)[0]
    upload(self, {first: files[first]})
    os.kill(os.getpid(), signal.SIGKILL)
Bucket.upload = half
def write(out):
    (out / "a").write_text("a")
    (out / "b").write_text("b")
part = ArtifactSpec(stage="tile", label="tile/1", kind="TileSet", recipe={"value": 1})
Store(Path(sys.argv[1]), sys.argv[2]).reuse_or_build(part, write)
"""


def test_a_killed_upload_leaves_no_artifact_and_no_living_lease(bucket_url, tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "one"), bucket_url], check=False)
    assert killed.returncode == -signal.SIGKILL
    store = Store(tmp_path / "two", bucket_url)
    assert [name.rpartition("/")[2] for name in objects(store) if not name.startswith(".")] == ["a"]
    assert store.find(part()) is None
    reference = store.reuse_or_build(part(), writer())
    assert store.find(part(), full=True).reference == reference
    assert not [name for name in objects(store) if name.startswith(".leases")]
