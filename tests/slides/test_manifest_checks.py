"""Ids that mean the same, and files beside a slide that cannot be what their row says."""

import pytest

from tasks.slides.manifest_checks import file_problems, named_after_patients, two_spellings
from tasks.slides.row import SlideRow


def row(slide="a", patient="p", split="train", **fields):
    return SlideRow(slide_id=slide, patient_id=patient, path=f"{slide}.tiff", split=split, **fields)


def spelt(*rows):
    return two_spellings(list(enumerate(rows, start=2)))


def test_a_patient_in_two_spellings_is_asked_for_by_rows_and_never_shown():
    told = spelt(row("a", "secret007"), row("b", "other"), row("c", "secret7", "test"))
    assert told == [
        (
            4,
            "patient_id and that of row 2 differ only in leading zeros; which is meant? "
            "Write one id in one way, and two ids so that they differ in more",
        )
    ]


def test_a_patient_who_is_written_alike_everywhere_is_no_problem():
    assert spelt(row("a", "007"), row("b", "007"), row("c", "8"), row("d", "70")) == []


def test_sites_and_slides_are_shown_with_what_cannot_be_seen():
    told = spelt(row("a", "p", site="A\u200b"), row("A", "q", site="A"))
    assert [text.partition(";")[0] for _, text in told] == [
        "site 'A' and that of row 2 'A\\u200b' differ only in invisible characters",
        "slide_id 'A' and that of row 2 'a' differ only in capital letters",
    ]


def test_a_third_spelling_is_told_too():
    assert [
        number for number, _ in spelt(row("a", "7"), row("b", "07"), row("c", "007"), row("d", "07"))
    ] == [3, 4]


@pytest.mark.parametrize(("slide", "patient"), [("p1", "P1"), ("7", "007"), ("x-1", "x\u20111")])
def test_a_slide_bears_no_patients_id_in_any_spelling(slide, patient):
    assert len(named_after_patients([(2, row(slide, "q")), (3, row("b", patient))])) == 1


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.geojson", b"", "is empty"),
        ("a.geojson", b"<xml/>", "does not start as a .geojson file does"),
        ("a.xml", b'{"type": 1}', "does not start as a .xml file does"),
        ("a.json", b"\xef\xbb\xbf \n[]", None),
        ("a.xml", "<?xml?>".encode("utf-16"), None),
        ("a.geojson", b'{"type": "FeatureCollection"}', None),
    ],
)
def test_outline_files_are_looked_at_without_reading_them(tmp_path, name, content, problem):
    (tmp_path / "a.tiff").write_bytes(b"slide")
    (tmp_path / name).write_bytes(content)
    told = file_problems(row(annotation=name), tmp_path)
    assert told == ([] if problem is None else [f"the annotation {name!r} {problem}"])
