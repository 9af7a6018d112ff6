import json

import pytest

from tasks.slides.errors import SlideError
from tasks.slides.qupath import read_qupath

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]
BOW_TIE = [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]


def feature(coordinates, kind="Polygon", name="Tumor", **properties):
    own = {"objectType": "annotation", "classification": {"name": name, "color": [200, 0, 0]}, **properties}
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": own}


def drawing(tmp_path, data, origin=(0.0, 0.0), encoding="utf-8"):
    path = tmp_path / "it.geojson"
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    return read_qupath(path, origin)


def read(tmp_path, data, origin=(0.0, 0.0)):
    return drawing(tmp_path, data, origin).outlines


def said(top=(), **properties):
    """Return an area with these properties alone."""
    geometry = {"type": "Polygon", "coordinates": [SQUARE]}
    return {"type": "Feature", "geometry": geometry, "properties": properties, **dict(top)}


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


@pytest.mark.parametrize(
    "item",
    [
        said(objectType="annotation"),
        said(objectType="Annotation"),
        said(object_type="annotation"),  # 0.3
        said({"id": "PathAnnotationObject"}, isLocked=False, measurements=[]),  # 0.2
        said({"id": "1f0c8d7e-5f0e-4d66-8e5b-0a5d1c9ad1f4"}, objectType="annotation", measurements={"a": 1}),
        said(),
        said(classification={"name": "Tumor"}, isLocked=True, name="first"),
        {**said(), "properties": None},
    ],
)
def test_annotations_of_every_version_and_bare_areas_are_outlines(tmp_path, item):
    found = drawing(tmp_path, [item])
    assert (len(found.outlines), found.left_out) == (1, {})


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (said(objectType="detection"), "detection"),
        (said(objectType="cell"), "cell"),
        (said(objectType="tile"), "tile"),
        (said(objectType="tma_core"), "tma_core"),
        (said(objectType="root"), "root"),
        (said(objectType="superpixel"), "superpixel"),  # unknown
        (said(object_type="detection"), "detection"),
        (said({"id": "PathDetectionObject"}, measurements=[{"name": "a", "value": 1}]), "detection"),
        (said({"id": "PathCellObject"}), "cell"),
        (said({"id": "PathTileObject"}), "tile"),
        (said({"id": "TMACoreObject"}), "tmacore"),
        (said({"id": "PathRootObject"}), "root"),
        (said({"nucleusGeometry": {"type": "Polygon", "coordinates": [SQUARE]}}), "cell"),
        (said({"id": "PathDetectionObject"}, objectType="annotation"), "detection"),
    ],
)
def test_detections_of_every_version_are_left_out_and_counted(tmp_path, item, kind):
    found = drawing(tmp_path, [item, feature([SQUARE]), item])
    assert len(found.outlines) == 1
    assert found.left_out == {f"a QuPath {kind} is no annotation": 2}


@pytest.mark.parametrize(
    "item",
    [
        said(kind="detection"),
        said({"id": "7"}, type="cell", classification={"name": "Tumor"}),
        said(measurements={"Nucleus: Area": 31.5}),
        said(FID=3),
    ],
)
def test_an_area_that_does_not_say_what_it_is_is_refused(tmp_path, item):
    with pytest.raises(SlideError, match=r"it.geojson: feature 2 does not say what it is: its properties"):
        read(tmp_path, [feature([SQUARE]), item])


@pytest.mark.parametrize(
    ("classification", "name"),
    [
        ({"name": "Tumor", "colorRGB": -3670016}, "Tumor"),
        ({"names": ["Tumor", "Positive"], "color": [1, 2, 3]}, "Tumor: Positive"),
        ({"names": ["Tumor"]}, "Tumor"),
        ("Tumor", "Tumor"),
        ({"name": None}, ""),
        (None, ""),
    ],
)
def test_names_of_every_version(tmp_path, classification, name):
    (outline,) = read(tmp_path, [said(objectType="annotation", classification=classification)])
    assert outline.class_name == name


def test_a_class_that_is_no_name_is_refused(tmp_path):
    with pytest.raises(SlideError, match="feature 1 has the class 3; allowed is a name"):
        read(tmp_path, [said(objectType="annotation", classification={"name": 3})])


def test_an_empty_collection_is_a_slide_without_outlines(tmp_path):
    assert read(tmp_path, {"type": "FeatureCollection", "features": []}) == ()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_any_unicode_is_read(tmp_path, encoding):
    (outline,) = drawing(tmp_path, [feature([SQUARE], name="Größe")], encoding=encoding).outlines
    assert outline.class_name == "Größe"


LINE = [[0, 0], [5, 5]]


@pytest.mark.parametrize(
    ("stray", "why"),
    [
        (feature([6, 3], "Point"), "a Point encloses no area"),
        (feature(SQUARE, "MultiPoint"), "a MultiPoint encloses no area"),
        (feature(LINE, "LineString"), "a LineString encloses no area"),  # a ruler
        (feature([LINE, SQUARE], "MultiLineString"), "a MultiLineString encloses no area"),
        ({**feature([SQUARE]), "geometry": None}, "a feature without geometry"),
        ({"type": "Feature", "properties": {"objectType": "annotation"}}, "a feature without geometry"),
        (feature([[[3, 3], [3, 3], [3, 3], [3, 3]]]), "a Polygon without area"),
        (feature([[[0, 0], [1, 1], [2, 2], [0, 0]]]), "a Polygon without area"),
        (feature([[[3, 3]]]), "a Polygon of fewer than 3 corners"),
        (feature([[[0, 0], [1, 0]]]), "a Polygon of fewer than 3 corners"),
        (feature([]), "a Polygon of fewer than 3 corners"),
        (feature([[[[3, 3]]]], "MultiPolygon"), "a MultiPolygon of fewer than 3 corners"),
    ],
)
def test_a_stray_object_is_left_out_and_counted_and_the_rest_is_read(tmp_path, stray, why):
    found = drawing(tmp_path, [stray, feature([SQUARE, HOLE]), stray])
    assert [outline.polygon.area for outline in found.outlines] == [96]
    assert found.left_out == {why: 2}


def test_a_hole_that_is_only_a_click_is_no_hole(tmp_path):
    (outline,) = read(tmp_path, [feature([SQUARE, [[5, 5]]])])
    assert outline.polygon.area == 100


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "no JSON"),
        ({"type": "Polygon"}, "no GeoJSON features"),
        ([1, 2], "no GeoJSON features"),
        ([feature([SQUARE]), feature([[["a", "b"], [1, 0], [1, 1]]])], "feature 2 has no geometry"),
        ([feature([SQUARE], "Circle")], "feature 1 has no geometry"),
        ([{**feature([SQUARE]), "geometry": 3}], "feature 1 has no geometry"),
        ('[{"geometry":{"type":"Point","coordinates":[NaN,1]}}]', r"feature 1 has a corner at \(nan, 1\)"),
        (
            '[{"geometry":{"type":"Polygon","coordinates":[[[1,2],[Infinity,2],[3,3]]]}}]',
            r"feature 1 has a corner at \(inf, 2\)",
        ),
        ([feature([[[1, 2], [1e300, 2], [3, 3]]])], r"feature 1 has a corner at \(1e\+300, 2\); no slide is"),
        ("[" * 100_000, "its brackets are nested too deep"),
    ],
)
def test_what_cannot_be_read_is_refused_by_number(tmp_path, data, words):
    with pytest.raises(SlideError, match=words) as caught:
        read(tmp_path, data)
    assert str(caught.value).startswith("it.geojson")
