"""Every library says in its own way that a disk takes no more; a user reads one sentence."""

import errno
import os
import sqlite3

import pytest
from safetensors import SafetensorError

from tasks.artifacts.storage_errors import StorageError, Storing, storage_sentence


def error(number, name=None):
    return OSError(number, os.strerror(number), name) if name else OSError(number, os.strerror(number))


def chained():
    try:
        try:
            raise error(errno.ENOSPC)
        except OSError as first:
            raise ValueError("the table could not be kept") from first
    except ValueError as second:
        return second


@pytest.mark.parametrize(
    "raised",
    [
        error(errno.ENOSPC),
        SafetensorError("I/O error: No space left on device (os error 28)"),
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError(
            "[enforce fail at inline_container.cc:858] . PytorchStreamWriter failed writing file data/0"
        ),
        RuntimeError("training process 1 of 2 failed: OSError: [Errno 28] No space left on device"),
        ExceptionGroup("several", [ValueError("other"), error(errno.ENOSPC)]),
        chained(),
    ],
    ids=["python", "safetensors", "sqlite", "torch", "child", "group", "cause"],
)
def test_a_full_disk_is_told_whoever_met_it(tmp_path, raised):
    told = storage_sentence(raised, "train/a/seed0", tmp_path)
    assert told is not None
    assert told.startswith("train/a/seed0 could not be written: the disk of ")
    assert "are free. Free some space and run the same command again" in told
    assert "\n" not in told


def test_the_folder_is_that_which_the_error_names_and_else_the_one_with_the_least_room(tmp_path, monkeypatch):
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    free = {home: 10, temporary: 5_000_000}
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(temporary))
    usage = type("Usage", (), {"total": 10_000_000})
    monkeypatch.setattr(
        "tasks.artifacts.storage_errors.shutil.disk_usage",
        lambda path: type("Usage", (usage,), {"free": free[path]}),
    )
    assert f"the disk of {home} is full, 10 B of 10 MB are free" in told_of(error(errno.ENOSPC), home)
    named = told_of(error(errno.ENOSPC, str(temporary / "x")), home)
    assert f"the disk of {temporary} is full, 5 MB of 10 MB are free" in named
    free[temporary] = 0
    assert f"the disk of {temporary} is full, 0 B" in told_of(error(errno.ENOSPC), home)


def told_of(raised, home):
    told = storage_sentence(raised, "tile/a", home)
    assert told is not None
    return told


def test_a_disk_without_room_for_another_file_says_so(tmp_path, monkeypatch):
    disk = {"f_frsize": 4096, "f_blocks": 9, "f_bfree": 9, "f_bavail": 9}
    inodes = type("Inodes", (), {"f_files": 100, "f_favail": 0, **disk})
    monkeypatch.setattr("tasks.artifacts.storage_errors.os.statvfs", lambda _: inodes)
    assert "is full, as it holds as many files as it can. Free" in told_of(error(errno.ENOSPC), tmp_path)


def test_quota_size_and_refusal_have_words_of_their_own(tmp_path):
    assert f"the quota at {tmp_path} is used up" in told_of(error(errno.EDQUOT), tmp_path)
    assert "(ulimit -f)" in told_of(error(errno.EFBIG), tmp_path)
    assert f"{tmp_path} can only be read. Make it writable" in told_of(error(errno.EROFS), tmp_path)
    denied = error(errno.EACCES, str(tmp_path / "store" / "x"))
    assert f"{tmp_path} may not be written by this user" in told_of(denied, tmp_path)


def test_what_is_not_of_the_disk_passes(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "tmp"))
    home = tmp_path / "home"
    home.mkdir()
    others = [
        ValueError("no such thing"),
        error(errno.EACCES, str(tmp_path / "slide.svs")),
        error(errno.ENOENT, str(home / "x")),
        error(errno.EIO),
    ]
    for other in others:
        assert storage_sentence(other, "tile/a", home) is None
        with pytest.raises(type(other)) as passed, Storing("tile/a", home):
            raise other
        assert passed.value is other


def test_a_home_that_went_away_is_told_whatever_was_missed_in_it(tmp_path):
    home = tmp_path / "home"
    gone = r"tile/a could not be written: the home .* is not there any more"
    with pytest.raises(StorageError, match=gone), Storing("tile/a", home):
        raise LookupError("artifact TileSet:1 is not in the store")
    with pytest.raises(KeyboardInterrupt), Storing("tile/a", home):
        raise KeyboardInterrupt


def test_it_is_told_once_with_what_was_written_last(tmp_path):
    both = Storing("tile", tmp_path), Storing("tile/a", tmp_path)
    with pytest.raises(StorageError, match=r"^tile/a could") as told, both[0], both[1]:
        raise error(errno.ENOSPC)
    assert str(told.value).count("could not be written") == 1


def test_an_error_of_unknown_cause_is_that_of_a_full_disk_only_where_nothing_is_free(tmp_path, monkeypatch):
    unknown = sqlite3.OperationalError("disk I/O error")
    assert storage_sentence(unknown, "record", tmp_path) is None
    usage = type("Usage", (), {"free": 4096, "total": 8_000_000})
    monkeypatch.setattr("tasks.artifacts.storage_errors.shutil.disk_usage", lambda _: usage)
    assert "is full, 4.1 kB of 8 MB are free" in told_of(unknown, tmp_path)


def test_another_folder_in_the_place_of_the_home_is_told_by_what_it_lacks(tmp_path):
    with pytest.raises(StorageError, match="is not there any more"), Storing("tile/a", tmp_path, "salt"):
        raise LookupError("artifact TileSet:1 is not in the store")
    (tmp_path / "salt").write_text("secret")
    with pytest.raises(LookupError), Storing("tile/a", tmp_path, "salt"):
        raise LookupError("artifact TileSet:1 is not in the store")


def test_it_is_told_where_no_folder_takes_a_temporary_file(tmp_path, monkeypatch):
    def refuse():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", refuse)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    assert f"the disk of {tmp_path} is full" in told_of(error(errno.ENOSPC), tmp_path)
