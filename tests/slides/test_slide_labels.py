import pytest

from tasks.slides.errors import SlideError
from tasks.slides.row import SlideRow
from tasks.slides.slide_labels import label_notes, refuse_strange_label

CLASSES = ("normal", "tumour")


def row(slide="s", **cells):
    return SlideRow.model_validate(
        {"slide_id": slide, "patient_id": "p", "path": "s.tif", "split": "train", **cells}
    )


@pytest.mark.parametrize("label", [None, "normal", "tumour"])
def test_a_class_or_nothing_is_a_label(label):
    refuse_strange_label(row(label=label), CLASSES)


@pytest.mark.parametrize(
    ("label", "hint"), [("Tumour", "; did you mean 'tumour'?"), ("NaN", ""), ("0", ""), ("TUMOUR", "; did")]
)
def test_anything_else_is_refused(label, hint):
    with pytest.raises(SlideError) as caught:
        refuse_strange_label(row(label=label), CLASSES)
    said = f"s: the manifest's label {label!r} is no class; allowed are normal, tumour"
    assert str(caught.value).startswith(said + hint)


@pytest.mark.parametrize(
    ("cells", "unlabelled", "weak"),
    [
        ({}, True, False),
        ({"label": "normal"}, False, False),
        ({"label": "tumour"}, False, True),
        ({"label": "tumour", "annotation": "a.xml"}, False, False),
        ({"label": "tumour", "points": "p.csv"}, False, False),
        ({"points": "p.csv"}, False, False),
        ({"annotation": "a.xml"}, False, False),
    ],
)
def test_which_labels_are_weak(cells, unlabelled, weak):
    assert row(**cells).is_unlabelled == unlabelled
    assert row(**cells).is_weakly_labelled("normal") == weak


def test_what_is_said_of_a_manifest():
    assert label_notes([row(label="normal"), row(annotation="a.xml")], "normal") == []
    rows = [*(row(f"b{i}") for i in range(5)), row("w", label="tumour")]
    assert label_notes(rows, "normal") == [
        "no labels: 5 slides (b0, b1, b2 and 2 more) without annotation, points and label; their tiles drop "
        "out of training and of scores by label",
        "weak labels: 1 slide (w) with the label of the whole slide on every tile",
    ]
