"""Which columns have a meaning, which are metadata, and which are mistyped."""

import pytest

from tasks.slides.manifest_columns import cells_of, read_header

NEEDED = ["slide_id", "patient_id", "path", "split"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lable", "label"),
        ("labels", "label"),
        ("anotation", "annotation"),
        ("annotations", "annotation"),
        ("sites", "site"),
        ("stie", "site"),
        ("Site", "site"),
        ("MPP", "mpp"),
        ("mpp override", "mpp_override"),
        ("mpp_overide", "mpp_override"),
        ("sha-256", "sha256"),
        ("artifact", "artefact"),
        ("decoys", "decoy"),
    ],
)
def test_a_mistyped_name_is_no_metadata(name, meant):
    _, problems = read_header([*NEEDED, name])
    (told,) = problems
    assert told.startswith(f"column {name!r} is unknown (did you mean {meant!r}?)")
    assert told.endswith("a column that is only metadata needs a name of its own")


@pytest.mark.parametrize(
    "name",
    [
        "age",
        "stain",
        "side",
        "size",
        "sex",
        "stage",
        "grade",
        "scanner",
        "case_id",
        "hospital",
        "level",
        "metadata",
    ],
)
def test_other_names_are_metadata(name):
    columns, problems = read_header([*NEEDED, name])
    assert not problems
    assert dict(columns.metadata) == {4: name}


def test_a_name_near_one_that_is_there_is_metadata_unless_it_is_the_same_word():
    assert not read_header([*NEEDED, "label", "labels", "slide", "paths"])[1]
    (told,) = read_header([*NEEDED, "label", "Label"])[1]
    assert "did you mean 'label'?" in told
    (told,) = read_header([*NEEDED, "patientid"])[1]
    assert "did you mean 'patient_id'?" in told


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_told_as_before(separator):
    _, problems = read_header([separator.join(NEEDED)])
    assert problems[:4] == [f"column {name!r} is missing" for name in NEEDED]
    assert problems[4].startswith(f"column {separator.join(NEEDED)!r} is unknown")


def test_empty_columns_of_a_spreadsheet_are_taken_and_cells_in_them_are_told():
    columns, problems = read_header([*NEEDED, "", " age ", "", ""])
    assert not problems
    fields, problems = cells_of(columns, ["a", "p", "a.tiff", "train", " ", " 61 ", "", "", "", ""])
    assert fields == dict(zip(NEEDED, ["a", "p", "a.tiff", "train"], strict=True)) | {
        "metadata": {"age": "61"}
    }
    assert not problems
    assert cells_of(columns, ["a", "p", "a.tiff", "train", "x", "", "", "y", "", "z"])[1] == [
        "10 cells under 8 column names",
        "column 5 has no name and a cell that is not empty",
        "column 8 has no name and a cell that is not empty",
    ]
    assert cells_of(columns, ["a", "p"])[0] == {"slide_id": "a", "patient_id": "p", "metadata": {}}
