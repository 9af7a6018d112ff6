import pytest

from tasks.slides.asap import read_asap
from tasks.slides.errors import SlideError

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
INNER = [(2, 2), (4, 2), (4, 4), (2, 4)]


def annotation(group, points, kind="Polygon"):
    corners = "".join(
        f'<Coordinate Order="{i}" X="{float(x)}" Y="{float(y)}" />' for i, (x, y) in enumerate(points)
    )
    return (
        f'<Annotation Type="{kind}" PartOfGroup="{group}"><Coordinates>{corners}</Coordinates></Annotation>'
    )


def drawing(tmp_path, *annotations, text=None, encoding="UTF-8"):
    path = tmp_path / "it.xml"
    body = f"<ASAP_Annotations><Annotations>{''.join(annotations)}</Annotations></ASAP_Annotations>"
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n{body}' if text is None else text
    path.write_bytes(text.encode(encoding))
    return read_asap(path)


def read(tmp_path, *annotations, **changes):
    return drawing(tmp_path, *annotations, **changes).outlines


@pytest.mark.parametrize("group", ["Tumor", "_0", "_1", "metastases", "Größe"])
@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "UTF-16", "windows-1252"])
def test_a_group_is_the_name_in_any_declared_encoding(tmp_path, group, encoding):
    (outline,) = read(tmp_path, annotation(group, SQUARE), encoding=encoding)
    assert (outline.class_name, outline.polygon.area, outline.cut_out) == (group, 100, False)


@pytest.mark.parametrize("group", ["_2", "Exclusion", "exclude", "normal"])
def test_exclusion_groups_are_marked_to_be_cut_out(tmp_path, group):
    kept, cut = read(tmp_path, annotation("_0", SQUARE), annotation(group, INNER))
    assert (kept.cut_out, cut.cut_out) == (False, True)


@pytest.mark.parametrize("group", ["None", "none", "", " "])
def test_the_word_for_no_group_is_no_name(tmp_path, group):
    (outline,) = read(tmp_path, annotation(group, SQUARE))
    assert outline.class_name == ""


@pytest.mark.parametrize("kind", ["Polygon", "Spline", "Rectangle", "polygon"])
def test_types_that_enclose_an_area_are_outlines(tmp_path, kind):
    found = drawing(tmp_path, annotation("_0", SQUARE, kind))
    assert (len(found.outlines), found.left_out) == (1, {})


@pytest.mark.parametrize("kind", ["PointSet", "Dot", "Measurement", "Pointset", "Arrow", "Freehand3D"])
def test_points_rulers_and_unknown_types_are_left_out_and_counted(tmp_path, kind):
    far = [(x + 100, y) for x, y in SQUARE]
    found = drawing(
        tmp_path, annotation("_0", SQUARE), annotation("cells", far, kind), annotation("", far, kind)
    )
    assert [outline.class_name for outline in found.outlines] == ["_0"]
    assert found.left_out == {f"an ASAP {kind} encloses no area": 2}


@pytest.mark.parametrize("points", [[], SQUARE[:1], SQUARE[:2], [(3, 3)] * 4, [(0, 0), (4, 4), (9, 9)]])
def test_a_click_without_area_is_left_out_and_counted(tmp_path, points):
    found = drawing(tmp_path, annotation("_0", points), annotation("_0", SQUARE))
    assert len(found.outlines) == 1
    assert sum(found.left_out.values()) == 1


def test_corners_come_in_their_stated_order(tmp_path):
    corners = [(0, SQUARE[0]), (2, SQUARE[2]), (1, SQUARE[1]), (3, SQUARE[3])]
    text = "".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}" />' for i, (x, y) in corners)
    body = f'<Annotation Type="Polygon" PartOfGroup="_0"><Coordinates>{text}</Coordinates></Annotation>'
    (outline,) = read(tmp_path, body)
    assert (outline.polygon.area, outline.repaired) == (100, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<ASAP", "no XML"),
        ("<Other/>", "begins with <Other>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><ASAP_Annotations/>', "document type"),
        (
            f"<ASAP_Annotations>{annotation('_0', SQUARE)}</ASAP_Annotations>".replace("10.0", "x"),
            "without a number",
        ),
        (
            f"<ASAP_Annotations>{annotation('_0', SQUARE)}</ASAP_Annotations>".replace("10.0", "nan"),
            r"annotation 1 has a corner at \(nan, 0\)",
        ),
        (
            f"<ASAP_Annotations>{annotation('_0', SQUARE, '')}</ASAP_Annotations>",
            "annotation 1 states no Type; those that enclose an area are Polygon, Rectangle, Spline",
        ),
    ],
)
def test_what_is_no_asap_file_is_refused(tmp_path, text, words):
    with pytest.raises(SlideError, match=words):
        read(tmp_path, text=text)


def test_a_document_type_is_refused_in_utf_16_too(tmp_path):
    with pytest.raises(SlideError, match="document type"):
        read(tmp_path, text='<!DOCTYPE a [<!ENTITY b "c">]><ASAP_Annotations/>', encoding="UTF-16")
