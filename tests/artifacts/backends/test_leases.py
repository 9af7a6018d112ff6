"""Who makes an artifact is told among machines; a dead or silent one is taken over."""

import os
import threading
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.artifacts.backends import leases
from tasks.artifacts.backends.address import read_address
from tasks.artifacts.backends.bucket import Bucket
from tasks.artifacts.backends.leases import BucketBoard, FolderBoard, Leases
from tasks.artifacts.backends.locks import FileLocks
from tasks.artifacts.process_identity import ProcessIdentity, this_host, this_process
from tasks.artifacts.spec import ArtifactSpec

PART = ArtifactSpec(stage="tile", label="tile/a", kind="TileSet", recipe={})
NAME = f"TileSet.{PART.fingerprint}"


@pytest.fixture(params=["folder", "memory"])
def board(request, tmp_path):
    if request.param == "folder":
        return FolderBoard(tmp_path / "leases")
    return BucketBoard(Bucket(read_address(f"memory://{uuid.uuid4().hex}")))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(leases, "_LOOK_S", 0.02)


def of(board, folder, stale_s=leases.STALE_S):
    return Leases(board, FileLocks(folder), stale_s)


def told(**changes):
    elsewhere = {"host": "elsewhere", "pid": 7, "started": 0}
    return f"{replace(this_process(), **{**elsewhere, **changes}).text} token"


def holder(board):
    return ProcessIdentity.parse(board.read(NAME).text.partition(" ")[0])


def test_a_second_machine_waits_for_the_first(board, tmp_path):
    made, inside = [], threading.Event()

    def second():
        inside.wait(60)
        with of(board, tmp_path / "two").held(PART):
            made.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with of(board, tmp_path / "one").held(PART):
        inside.set()
        thread.join(0.3)
        assert made == []
        made.append("first")
    thread.join(60)
    assert made == ["first", "second"]
    assert board.read(NAME) is None


def test_one_that_gave_no_sign_of_life_is_taken_over(board, tmp_path, caplog):
    board.post(NAME, told())
    with of(board, tmp_path, stale_s=-1).held(PART):
        assert holder(board) == this_process()
    assert "the lease of process 7 of elsewhere on tile/a has expired" in caplog.text


def test_a_dead_process_of_this_machine_is_taken_over_at_once(board, tmp_path):
    board.post(NAME, told(host=this_host(), pid=os.getpid(), started=1))
    with of(board, tmp_path).held(PART):
        assert holder(board) == this_process()


def test_a_lease_that_was_taken_over_is_not_removed_by_who_had_it(board, tmp_path):
    with of(board, tmp_path).held(PART):
        board.remove(NAME, board.read(NAME).text)
        board.post(NAME, told())
    assert holder(board).host == "elsewhere"


def test_a_lease_that_a_kill_cut_short_ends_by_its_age(board, tmp_path):
    board.post(NAME, told()[:12])
    with of(board, tmp_path, stale_s=-1).held(PART):
        pass


def test_a_sign_of_life_makes_a_lease_young(board, monkeypatch):
    board.post(NAME, told())
    if isinstance(board, FolderBoard):
        os.utime(board._folder / NAME, (0, 0))
        assert board.read(NAME).age > 1e6
    board.beat(NAME, told())
    assert board.read(NAME).age < 1e5


def test_signs_of_life_are_given_while_it_is_held(board, tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT_S", 0.01)
    beaten = threading.Event()
    beat = type(board).beat
    monkeypatch.setattr(type(board), "beat", lambda *words: (beat(*words), beaten.set()))
    with of(board, tmp_path).held(PART):
        assert beaten.wait(60)


def test_the_age_is_told_by_the_clock_of_the_folder(tmp_path, monkeypatch):
    board = FolderBoard(tmp_path)
    board.post(NAME, told())
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert abs(board.read(NAME).age) < 1e5
    assert [path.name for path in Path(tmp_path).iterdir()] == [NAME]
