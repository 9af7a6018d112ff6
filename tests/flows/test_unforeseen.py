"""Where a traceback goes, and what is said of it."""

import pytest

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
