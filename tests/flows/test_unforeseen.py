"""Where a traceback goes, and what is said of it."""

import pytest

from flows.engine.outcome import StoppedRunError
from flows.unforeseen import home_of, sentence_of, write_traceback


def raised(text="it broke"):
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    ("words", "home"),
    [
        (["veritile", "run", "a.yaml"], ".veritile"),
        (["veritile", "run", "a.yaml", "--home", "h"], "h"),
        (["veritile", "--home=h x", "run"], "h x"),
        (["veritile", "run", "--home"], "."),
    ],
)
def test_the_home_is_the_one_that_was_typed(words, home):
    assert str(home_of(words)) == home


def test_a_home_that_cannot_be_written_leaves_the_temporary_folder(tmp_path, monkeypatch):
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(temporary))
    words = ["veritile", "--home", str(home)]
    assert write_traceback(raised(), words).parent == home / "logs"
    (home / "logs").rename(home / "old")
    (home / "logs").write_text("a file where the folder should be")
    assert write_traceback(raised(), words).parent == temporary


def test_where_nothing_can_be_written_the_sentence_says_how_to_see_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file" / "tmp"))
    (tmp_path / "file").write_text("")
    words = ["veritile", "--home", str(tmp_path / "none")]
    assert sentence_of(raised(""), words) == "ValueError: no message (--debug shows where)"
    assert not (tmp_path / "none").exists()


def test_a_failed_run_is_told_though_the_server_that_heard_of_it_failed_too(tmp_path):
    try:
        try:
            raise StoppedRunError("tile/a could not be written: the disk of /h is full")
        except StoppedRunError:
            raise RuntimeError("Server error '500 Internal Server Error'")  # noqa: B904  # as libraries do
    except RuntimeError as error:
        told = sentence_of(error, ["veritile", "run", "a.yaml", "--home", str(tmp_path)])
    assert told == "tile/a could not be written: the disk of /h is full"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_for_any_command(tmp_path):
    error = OSError(28, "No space left on device")
    told = sentence_of(error, ["veritile", "score", "job.yaml", "--home", str(tmp_path)])
    assert told.startswith("what `veritile score` makes could not be written: the disk of ")


def test_where_nothing_is_free_that_is_told_beside_an_error_of_unknown_cause(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.unforeseen.has_no_room", lambda home: home == tmp_path)
    told = sentence_of(raised(), ["veritile", "run", "--home", str(tmp_path)])
    assert f"ValueError: it broke; the disk of {tmp_path} is full (" in told


def test_a_traceback_that_does_not_fit_leaves_no_part_of_itself(tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def write(self, _):
            raise OSError(28, "No space left on device")

    (tmp_path / "home").mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "none" / "tmp"))
    monkeypatch.setattr("flows.unforeseen.os.fdopen", lambda target, *_, **__: Full())
    assert write_traceback(raised(), ["veritile", "--home", str(tmp_path / "home")]) is None
    assert list((tmp_path / "home" / "logs").iterdir()) == []
