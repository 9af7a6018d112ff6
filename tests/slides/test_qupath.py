import json

import pytest
import shapely

from tasks.slides.errors import SlideError
from tasks.slides.qupath import read_qupath

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]
BOW_TIE = [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]


def feature(coordinates, kind="Polygon", name="Tumor", **properties):
    own = {"objectType": "annotation", "classification": {"name": name, "color": [200, 0, 0]}, **properties}
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": own}


def read(tmp_path, data, origin=(0.0, 0.0)):
    path = tmp_path / "it.geojson"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return read_qupath(path, origin)


@pytest.mark.parametrize(
    "wrap", [lambda f: {"type": "FeatureCollection", "features": [f]}, lambda f: [f], lambda f: f]
)
def test_a_collection_a_list_and_a_feature_are_read(tmp_path, wrap):
    (outline,) = read(tmp_path, wrap(feature([SQUARE, HOLE])))
    assert outline.class_name == "Tumor"
    assert outline.polygon.area == 100 - 4
    assert not outline.repaired


def test_several_areas_and_their_holes_are_one_outline(tmp_path):
    far = [[x + 100, y] for x, y in SQUARE]
    (outline,) = read(tmp_path, [feature([[SQUARE, HOLE], [far]], "MultiPolygon")])
    assert outline.polygon.area == 196


def test_qupath_counts_from_the_scanned_area(tmp_path):
    (outline,) = read(tmp_path, [feature([SQUARE])], origin=(40.0, 30.5))
    assert outline.polygon.bounds == (40, 30.5, 50, 40.5)


def test_an_outline_that_crosses_itself_is_repaired_and_says_so(tmp_path):
    (outline,) = read(tmp_path, [feature([BOW_TIE])])
    assert outline.repaired
    assert outline.polygon.is_valid
    assert outline.polygon.area == pytest.approx(50)


def test_cells_are_no_outlines_and_a_missing_name_is_empty(tmp_path):
    bare = {
        "type": "Feature",
        "geometry": shapely.geometry.mapping(shapely.box(0, 0, 1, 1)),
        "properties": None,
    }
    outlines = read(tmp_path, [feature([SQUARE], objectType="detection"), bare, feature([SQUARE], name=None)])
    assert [outline.class_name for outline in outlines] == ["", ""]


def test_an_empty_collection_is_a_slide_without_outlines(tmp_path):
    assert read(tmp_path, {"type": "FeatureCollection", "features": []}) == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "no JSON"),
        ({"type": "Polygon"}, "no GeoJSON features"),
        ([1, 2], "no GeoJSON features"),
        ([feature([0, 0], "Point")], "feature 1 is a Point; allowed are Polygon and MultiPolygon"),
        ([feature([SQUARE]), feature([[[0, 0], [1, 0]]])], "feature 2 has no geometry"),
        ([feature([[[0, 0], [1, 1], [2, 2], [0, 0]]])], "encloses no area"),
        ([{"type": "Feature", "geometry": None, "properties": {}}], "feature 1"),
    ],
)
def test_what_is_no_area_is_refused_by_number(tmp_path, data, words):
    with pytest.raises(SlideError, match=words) as caught:
        read(tmp_path, data)
    assert str(caught.value).startswith("it.geojson")
