"""Two that publish one artifact at the same time agree on one, with no lock between them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from threading import Barrier

import pytest

from tasks.artifacts.backends.folder import FolderBackend
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store


class NoLocks:
    def held(self, spec: ArtifactSpec) -> AbstractContextManager[None]:
        return nullcontext()


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path)
    opened.backend = FolderBackend(tmp_path / "store", NoLocks())
    return opened


def part(value=1):
    return ArtifactSpec(stage="tile", label="tile/a", kind="TileSet", recipe={"value": value})


def test_two_writers_of_other_bytes_agree_on_one(store):
    barrier = Barrier(2)

    def build(text):
        def write(out):
            barrier.wait(30)
            (out / "a.txt").write_text(text)

        return store.reuse_or_build(part(), write)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(build, ["one", "two"])
    assert one == other
    assert store.find(part()).reference == one
    assert (store.path(one) / "a.txt").read_text() in ("one", "two")


def test_a_file_system_without_hard_links_is_served(store, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    reference = store.reuse_or_build(part(), lambda out: (out / "a.txt").write_text("x") and None)
    assert store.find(part()).reference == reference


def test_a_shared_folder_is_named_by_its_url(tmp_path):
    first, second = (Store(tmp_path / home, f"file://{tmp_path}/shared") for home in ("one", "two"))
    reference = first.reuse_or_build(part(), lambda out: (out / "a.txt").write_text("x") and None)
    assert second.find(part()).reference == reference
    assert (second.path(reference) / "a.txt").is_relative_to(tmp_path / "shared")
