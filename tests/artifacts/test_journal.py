"""A journal keeps each result as it comes, whatever happens next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.artifacts.journal import Journal, append_line

ROOT = Path(__file__).parents[2]


def test_results_are_there_at_once_and_the_last_of_a_key_counts(tmp_path):
    path = tmp_path / "work" / "j.jsonl"
    first = Journal(path)
    assert first.get("a") is None
    first.put("a", {"x": 1})
    assert Journal(path).get("a") == {"x": 1}
    first.put("b", None)
    first.put("a", "ä\n")
    again = Journal(path)
    assert (again.get("a"), again.get("b"), len(again)) == ("ä\n", None, 2)


def test_two_writers_add_to_one_journal(tmp_path):
    one, other = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    for number in range(20):
        (one if number % 2 else other).put(str(number), number)
    assert len(Journal(tmp_path / "j")) == 20


@pytest.mark.parametrize(
    ("tail", "warned"),
    [('["b", ', False), ('["b"]\n', True), ("{}\n", True), ("\0\0\n", True), ("3\n", True)],
)
def test_a_damaged_line_costs_only_itself(tmp_path, tail, warned, caplog):
    path = tmp_path / "j"
    Journal(path).put("a", 1)
    with path.open("a") as stream:
        stream.write(tail)
    journal = Journal(path)
    assert (journal.get("a"), len(journal)) == (1, 1)
    assert ("is damaged in 1 lines" in caplog.text) == warned
    journal.put("c", 3)
    assert Journal(path).get("c") == 3


def test_a_journal_does_not_grow_without_end(tmp_path):
    journal = Journal(tmp_path / "j")
    for number in range(1500):
        journal.put("a", number)
    assert Journal(tmp_path / "j").get("a") == 1499
    assert len((tmp_path / "j").read_text().splitlines()) == 1


def test_a_journal_that_cannot_be_kept_is_no_error(tmp_path):
    (tmp_path / "work").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "work" / "j")
    journal.put("a", 1)
    assert journal.get("a") == 1


def test_a_kill_loses_nothing_that_was_kept(tmp_path):
    code = (
        "import os, pathlib, signal, sys\n"
        "from tasks.artifacts.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1]))\n"
        "for n in range(7): journal.put(str(n), n)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "j"], check=False, cwd=ROOT)
    assert done.returncode == -9
    assert len(Journal(tmp_path / "j")) == 7


def test_a_line_that_a_full_disk_cut_short_takes_no_later_one_with_it(tmp_path, monkeypatch):
    path, write = tmp_path / "log", os.write
    append_line(path, "one")
    with monkeypatch.context() as patch:
        patch.setattr("tasks.artifacts.journal.os.write", lambda target, data: write(target, data[:2]))
        with pytest.raises(OSError, match="No space left"):
            append_line(path, "two")
    append_line(path, "three")
    assert path.read_text() == "one\ntw\nthree\n"
