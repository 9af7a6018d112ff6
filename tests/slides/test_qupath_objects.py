"""What is written comes back the same, and the forms that QuPath wrote over the years are read."""

import json
import zipfile

import pytest
import shapely

from tasks.slides.errors import SlideError
from tasks.slides.qupath import read_qupath
from tasks.slides.qupath_objects import QuPathObject, read_qupath_objects, write_qupath_objects

SQUARE = shapely.Polygon([(10, 20), (50, 20), (50, 60), (10, 60)])
RING = [[10, 20], [50, 20], [50, 60], [10, 60], [10, 20]]
BOX, HOLE = shapely.box(0, 0, 32.5, 32.5), [(20, 30), (30, 30), (30, 40), (20, 40)]
OBJECTS = (
    QuPathObject(
        "annotation", SQUARE, "first µm²", (1, 2, 3), "Tumor", (200, 0, 0), {"Area": 400.5, "n": 3.0}, "a-1",
        locked=True,
    ),
    QuPathObject("tile", BOX, "s1/0_0", None, "normal", (0, 114, 178), {"value": -1e-9}, "t-1"),
    QuPathObject("detection", shapely.Polygon(SQUARE.exterior, [HOLE]), class_name="Tumor: Positive"),
    QuPathObject("annotation", shapely.MultiPolygon([SQUARE, shapely.box(100, 100, 110, 110)])),
    QuPathObject("annotation", shapely.LineString([(0, 0), (5, 5)]), "ruler"),
    QuPathObject("annotation", shapely.Point(7, 8), "seed"),
)  # fmt: skip


def collection(folder, *features):
    path = folder / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def feature(**properties):
    geometry = {"type": "Polygon", "coordinates": [RING]}
    return {"type": "Feature", "geometry": geometry, "properties": {"objectType": "annotation", **properties}}


@pytest.mark.parametrize("origin", [(0.0, 0.0), (1024.5, 7.25)])
def test_what_is_written_comes_back_the_same(tmp_path, origin):
    write_qupath_objects(OBJECTS, tmp_path / "a.geojson", origin)
    found = read_qupath_objects(tmp_path / "a.geojson", origin)
    assert found == OBJECTS
    write_qupath_objects(found, tmp_path / "b.geojson", origin)
    assert (tmp_path / "b.geojson").read_bytes() == (tmp_path / "a.geojson").read_bytes()


def test_the_form_is_that_of_qupath(tmp_path):
    write_qupath_objects(OBJECTS[:3], tmp_path / "a.geojson", (10.0, 20.0))
    first, _, third = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert first == {
        "type": "Feature", "id": "a-1",
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [40, 0], [40, 40], [0, 40], [0, 0]]]},
        "properties": {
            "objectType": "annotation", "name": "first µm²", "color": [1, 2, 3],
            "classification": {"name": "Tumor", "color": [200, 0, 0]}, "isLocked": True,
            "measurements": {"Area": 400.5, "n": 3.0},
        },
    }  # fmt: skip
    assert third["properties"]["classification"] == {"names": ["Tumor", "Positive"]}


def test_annotations_that_were_written_are_outlines(tmp_path):
    write_qupath_objects(OBJECTS, tmp_path / "a.geojson")
    drawing = read_qupath(tmp_path / "a.geojson", (0.0, 0.0))
    assert [outline.class_name for outline in drawing.outlines] == ["Tumor", ""]
    assert drawing.outlines[0].polygon.equals(SQUARE)


def test_older_forms_of_colours_and_measurements_are_read(tmp_path):
    old = feature(
        classification={"name": "Tumor", "colorRGB": -3670016},  # 0xFFC80000 as a signed number of four bytes
        measurements=[{"name": "Area", "value": 2.5}, {"name": "Odd", "value": "NaN"}],
        locked=True,
    )
    (found,) = read_qupath_objects(collection(tmp_path, old))
    assert found.class_colour == (200, 0, 0)
    assert found.measurements == {"Area": 2.5}
    assert found.locked


def test_what_is_no_finite_number_is_left_out(tmp_path):
    text = json.dumps(feature(measurements={"a": 1, "big": 0, "b": True, "c": None}))
    path = tmp_path / "a.geojson"
    path.write_text(text.replace('"big": 0', f'"big": 1{"0" * 400}, "nan": NaN, "inf": Infinity'))
    (found,) = read_qupath_objects(path)
    assert found.measurements == {"a": 1.0}


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (
            {"color": [1, 2]},
            r"feature 1 has the colour \[1, 2\]; allowed are red, green and blue from 0 to 255",
        ),
        ({"color": [1, 2, 300]}, r"has the colour \[1, 2, 300\]"),
        ({"color": "red"}, r"has the colour 'red'"),
        ({"measurements": 7}, r"has measurements 7; allowed are names with numbers"),
        ({"classification": {"name": 7}}, r"has the class 7; allowed is a name"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path, properties, told):
    with pytest.raises(SlideError, match=told):
        read_qupath_objects(collection(tmp_path, feature(**properties)))


def test_an_archive_is_read_as_qupath_opens_it_and_refused_where_it_is_none(tmp_path):
    write_qupath_objects(OBJECTS, tmp_path / "a.geojson")
    with zipfile.ZipFile(tmp_path / "a.geojson.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "a.geojson", "a.geojson")
    assert read_qupath_objects(tmp_path / "a.geojson.zip") == OBJECTS
    (tmp_path / "b.zip").write_text("no archive")
    with pytest.raises(SlideError, match=r"b.zip is no zip archive that can be read"):
        read_qupath_objects(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("a", "[]")
        archive.writestr("b", "[]")
    with pytest.raises(
        SlideError, match=r"c.zip holds 2 entries of 4 bytes; one of at most 1,073,741,824 is read"
    ):
        read_qupath_objects(tmp_path / "c.zip")


def test_a_damaged_archive_is_refused(tmp_path):
    write_qupath_objects(OBJECTS, tmp_path / "a.geojson")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "a.geojson", "a.geojson")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[60:80] = bytes(20)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(SlideError, match=r"a.zip is no zip archive that can be read"):
        read_qupath_objects(tmp_path / "a.zip")
