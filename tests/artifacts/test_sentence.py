from tasks.artifacts.sentence import LONGEST, SentenceError, shortened
from tasks.slides.errors import ManifestError, SlideError


def test_a_line_that_quotes_a_whole_file_is_cut_in_its_middle():
    told = shortened(f"begin {'x' * 200_000} end")
    assert told.startswith("begin xxx")
    assert told.endswith("xxx end")
    assert len(told) < LONGEST
    assert "[199,210 letters]" in told


def test_many_problems_stay_whole_and_each_is_short():
    error = ManifestError(tuple(f"row {n}: {'y' * n}" for n in (3, 1000, 5000, 70_000)))
    lines = str(error).split("\n")
    assert [len(line) <= LONGEST + 2 for line in lines] == [True] * 5
    assert lines[1] == "  row 3: yyy"


def test_no_sentence_holds_a_password():
    assert str(SentenceError("no answer from http://a:b@c/")) == "no answer from http://***@c/"
    assert "b@" not in str(SlideError("http://a:b@c/"))
