import pytest

from tasks.slides.annotations import annotation_kind, load_outlines
from tasks.slides.errors import SlideError

GEOJSON = '[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]'
ASAP = (
    '<ASAP_Annotations><Annotation Type="Polygon" PartOfGroup="_0"><Coordinate Order="0" X="0" Y="0"/>'
    '<Coordinate Order="1" X="1" Y="0"/><Coordinate Order="2" X="1" Y="1"/></Annotation></ASAP_Annotations>'
)


@pytest.mark.parametrize(
    ("name", "text", "left"), [("a.geojson", GEOJSON, 5), ("a.JSON", GEOJSON, 5), ("a.xml", ASAP, 0)]
)
def test_the_suffix_says_what_it_is_and_only_qupath_counts_from_the_scanned_area(tmp_path, name, text, left):
    (tmp_path / name).write_text(text)
    (outline,) = load_outlines(tmp_path / name, (5.0, 0.0)).outlines
    assert outline.polygon.bounds[0] == left
    assert outline.polygon.area == 0.5


def test_other_kinds_and_missing_files_are_refused(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    with pytest.raises(SlideError, match=r"unknown kind '.svg'; allowed are .geojson, .json, .xml, .png"):
        load_outlines(tmp_path / "a.svg")
    with pytest.raises(SlideError, match="no such annotation"):
        load_outlines(tmp_path / "b.xml")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.PNG", "picture"), ("a.jpeg", "picture"), ("a.tif", "picture"), ("a.xml", "outlines")],
)
def test_the_suffix_says_whether_it_is_a_picture(tmp_path, name, kind):
    (tmp_path / name).write_text("")
    assert annotation_kind(tmp_path / name) == kind


def test_a_picture_holds_no_outlines(tmp_path):
    (tmp_path / "a.png").write_text("")
    with pytest.raises(SlideError, match=r"a.png is a picture of classes and holds no outlines"):
        load_outlines(tmp_path / "a.png")
