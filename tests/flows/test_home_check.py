"""A home that takes no file is refused before a run, and one that went away before each build."""

import errno
import os

import pytest

from flows.home_check import refuse_unwritable, refuse_vanished
from tasks.artifacts.storage_errors import StorageError


def test_a_home_is_made_and_nothing_is_left_in_it(tmp_path):
    home = tmp_path / "deep" / "home"
    refuse_unwritable(home)
    assert [path.relative_to(home).as_posix() for path in home.rglob("*")] == ["work"]


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, r"what this run makes could not be written: the disk of .* is full, .* are free"),
        (errno.EROFS, r"what this run makes could not be written: .*home can only be read"),
    ],
)
def test_a_home_that_takes_no_file_is_refused(tmp_path, monkeypatch, number, told):
    def refuse(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("flows.home_check.os.fsync", refuse)
    with pytest.raises(StorageError, match=told):
        refuse_unwritable(tmp_path / "home")
    assert list((tmp_path / "home" / "work").iterdir()) == []


def test_a_file_is_no_home(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(StorageError, match="is no folder"):
        refuse_unwritable(tmp_path / "home")


def test_a_home_is_known_by_its_secret(tmp_path):
    (tmp_path / "salt").write_text("secret")
    refuse_vanished(tmp_path, "tile/a")
    (tmp_path / "salt").unlink()
    with pytest.raises(StorageError, match=r"tile/a could not be written: the home .* is not there any more"):
        refuse_vanished(tmp_path, "tile/a")
    assert list(tmp_path.iterdir()) == []
