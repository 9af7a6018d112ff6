import pytest

from tasks.slides.asap import read_asap
from tasks.slides.errors import SlideError

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
INNER = [(2, 2), (4, 2), (4, 4), (2, 4)]


def annotation(group, points):
    corners = "".join(
        f'<Coordinate Order="{i}" X="{float(x)}" Y="{float(y)}" />' for i, (x, y) in enumerate(points)
    )
    return (
        f'<Annotation Type="Polygon" PartOfGroup="{group}"><Coordinates>{corners}</Coordinates></Annotation>'
    )


def read(tmp_path, *annotations, text=None):
    path = tmp_path / "it.xml"
    body = f"<ASAP_Annotations><Annotations>{''.join(annotations)}</Annotations></ASAP_Annotations>"
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}' if text is None else text)
    return read_asap(path)


@pytest.mark.parametrize(
    ("group", "name"), [("Tumor", "Tumor"), ("_0", "Tumor"), ("_1", "Tumor"), ("metastases", "metastases")]
)
def test_camelyon_groups_are_tumour(tmp_path, group, name):
    (outline,) = read(tmp_path, annotation(group, SQUARE))
    assert (outline.class_name, outline.polygon.area) == (name, 100)


@pytest.mark.parametrize("group", ["_2", "Exclusion", "exclude", "normal"])
def test_exclusion_groups_are_cut_out(tmp_path, group):
    (outline,) = read(tmp_path, annotation("_0", SQUARE), annotation(group, INNER))
    assert outline.polygon.area == 96


def test_an_outline_that_is_cut_out_whole_is_gone(tmp_path):
    assert read(tmp_path, annotation("_0", INNER), annotation("_2", SQUARE)) == ()


def test_corners_come_in_their_stated_order(tmp_path):
    corners = [(0, SQUARE[0]), (2, SQUARE[2]), (1, SQUARE[1]), (3, SQUARE[3])]
    text = "".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}" />' for i, (x, y) in corners)
    body = f'<Annotation PartOfGroup="_0"><Coordinates>{text}</Coordinates></Annotation>'
    (outline,) = read(tmp_path, body)
    assert (outline.polygon.area, outline.repaired) == (100, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<ASAP", "no XML"),
        ("<Other/>", "begins with <Other>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><ASAP_Annotations/>', "document type"),
        (
            f"<ASAP_Annotations>{annotation('_0', SQUARE[:2])}</ASAP_Annotations>",
            "annotation 1 has 2 corners",
        ),
        (
            f"<ASAP_Annotations>{annotation('_0', SQUARE)}</ASAP_Annotations>".replace("10.0", "x"),
            "without a number",
        ),
    ],
)
def test_what_is_no_asap_file_is_refused(tmp_path, text, words):
    with pytest.raises(SlideError, match=words):
        read(tmp_path, text=text)
