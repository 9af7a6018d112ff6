"""A row is a line: what stands in one line is read on its own, and nothing vanishes."""

import pytest

from tasks.slides.errors import ManifestError
from tasks.slides.manifest_lines import read_lines


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "m.csv"
    path.write_bytes(text.encode(encoding))
    return read_lines(path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_have_the_numbers_of_a_spreadsheet(tmp_path, end):
    lines, problems = read(tmp_path, end.join(["a,b", "1,2", "", '"x, ""y""",z']))
    assert [(line.number, line.cells) for line in lines] == [
        (1, ["a", "b"]),
        (2, ["1", "2"]),
        (3, []),
        (4, ['x, "y"', "z"]),
    ]
    assert not problems


@pytest.mark.parametrize(
    ("text", "kept", "problem"),
    [
        ('a,b\n1,"2\n3,4\n5,6"\n7,8', [1, 3, 4, 5], "column 'b' and closes only in row 4"),
        ('a,b\n"1,2\n3,4', [1, 3], "column 'a' and is never closed"),
        ('a,b\n1,"2', [1], "column 'b' and is never closed"),
        ('a,b\n1,"2\n', [1], "column 'b' and is never closed"),
        ('a,b\n1,"2\nrest"\n3,4', [1, 4], "column 'b' and closes only in row 3"),
        ('a,b\n"1,2\n3",4\n5,6', [1, 3, 4], "column 'a' and closes only in row 3"),
        ('a,b\n1,"2' + "\n3,4" * 40_000, [1, *range(3, 40_003)], "column 'b' and is never closed"),
    ],
)
def test_a_quotation_mark_that_is_open_at_the_end_of_its_line(tmp_path, text, kept, problem):
    lines, problems = read(tmp_path, text)
    assert [line.number for line in lines if line.cells] == kept
    ((number, sentence),) = problems
    assert number == 2
    assert sentence.startswith(f"a quotation mark opens in {problem}; a row is one line")


@pytest.mark.parametrize(
    ("text", "cells"),
    [('x "y",z', ['x "y"', "z"]), ('"x"y,z', ["xy", "z"]), ("it's,6' 2\"", ["it's", "6' 2\""])],
)
def test_other_quotation_marks_are_read_as_before(tmp_path, text, cells):
    lines, problems = read(tmp_path, f"a,b\n{text}\n")
    assert lines[1].cells == cells
    assert not problems


@pytest.mark.parametrize("odd", ["\0", "\u2028", "\u2029", "\x0b", "\x85", "\x1b"])
def test_control_characters_and_other_line_breaks_are_told(tmp_path, odd):
    lines, problems = read(tmp_path, f"a,b\n1,2{odd}3\n4,5\n")
    assert [line.number for line in lines] == [1, 3, 4]
    assert problems == [
        (2, f"column 'b' holds a line break or control character (U+{ord(odd):04X}); delete it")
    ]


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ("", "utf-8", "m.csv is empty"),
        ("a,ä\n", "cp1252", "m.csv is not UTF-8"),
        ("a,b\n", "utf-16", "m.csv is not UTF-8"),
        ('"a,b\n1,2\n', "utf-8", "row 1: a quotation mark opens in cell 1 and is never closed"),
        ('a,"b\nc"\n1,2\n', "utf-8", "row 1: a quotation mark opens in cell 2 and closes only in row 2"),
        ("a,b\n1," + "x" * 140_000 + "\n", "utf-8", "row 2: field larger than field limit"),
    ],
)
def test_files_that_are_no_manifest(tmp_path, text, encoding, words):
    with pytest.raises(ManifestError) as caught:
        read(tmp_path, text, encoding)
    assert words in str(caught.value)
