import dataclasses
import json
import uuid
from zipfile import ZipFile

import numpy as np
import pytest
import shapely

from tasks.artifacts.tile_set import SLIDE
from tasks.reporting.exports.geojson import (
    MEAN,
    MEAN_ABSOLUTE,
    POSITIVE_FRACTION,
    tile_figures,
    write_geojson,
)
from tasks.reporting.maps.view import view_slide
from tasks.slides.qupath import read_qupath
from tasks.slides.qupath_objects import read_qupath_objects, write_qupath_objects
from tests._support.heatmap_jobs import geometry, make_attributions, make_job

PROBABILITY = "probability of tumour"


def written(view, item, path):
    """Write the archive beside ``path``, unpack its one entry there, and return the content."""
    archive = path.with_name(f"{path.name}.zip")
    write_geojson(view, item, archive)
    with ZipFile(archive) as file:
        assert file.namelist() == [path.name]
        path.write_bytes(file.read(path.name))
    return json.loads(path.read_text())


def features_of(job, path):
    view = view_slide(job)
    whole = written(view, view.checkpoints[0], path)
    assert whole["type"] == "FeatureCollection"
    return view, whole


def test_every_tile_is_one_feature_as_qupath_reads_them(tmp_path):
    view, whole = features_of(make_job(tmp_path), tmp_path / "t.geojson")
    features = whole["features"]
    assert len(features) == 40
    assert {f["type"] for f in features} == {"Feature"}
    assert {f["geometry"]["type"] for f in features} == {"Polygon"}
    assert len({uuid.UUID(f["id"]) for f in features}) == 40
    assert {f["properties"]["objectType"] for f in features} == {"tile"}
    assert [f["properties"]["name"] for f in features] == view.checkpoints[0].tiles["tile_id"].tolist()
    for feature in features:
        assert set(feature["properties"]) == {"objectType", "name", "classification", "measurements"}
        assert all(isinstance(value, float) for value in feature["properties"]["measurements"].values())


def test_polygons_are_the_closed_squares_of_the_tiles_turning_as_geojson_asks(tmp_path):
    view, whole = features_of(make_job(tmp_path), tmp_path / "t.geojson")
    for feature, (_, tile) in zip(whole["features"], view.checkpoints[0].tiles.iterrows(), strict=True):
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert shapely.LinearRing(ring).is_ccw
        x, y = tile["x_level0"], tile["y_level0"]
        assert shapely.Polygon(ring).equals(shapely.box(x, y, x + 32, y + 32))


def test_positions_count_from_the_scanned_area_as_in_qupath(tmp_path):
    job = make_job(tmp_path)
    info = json.loads((job.tiles.folder / SLIDE).read_text())
    moved = geometry().model_copy(update={"bounds_x": 10.5, "bounds_y": 20.0})
    info["geometry"] = moved.model_dump(mode="json")
    (job.tiles.folder / SLIDE).write_text(json.dumps(info))
    _, whole = features_of(job, tmp_path / "t.geojson")
    assert whole["features"][6]["geometry"]["coordinates"][0][0] == [32 - 10.5, 32 - 20.0]
    assert whole["veritile"]["origin_level0"] == [10.5, 20.0]
    for feature in whole["features"]:
        feature["properties"]["objectType"] = "annotation"
    (tmp_path / "drawn.geojson").write_text(json.dumps(whole))
    read = read_qupath(tmp_path / "drawn.geojson", (10.5, 20.0))
    assert read.outlines[6].polygon.equals(shapely.box(32, 32, 64, 64))


def test_tiles_are_no_outlines_to_our_own_reader(tmp_path):
    features_of(make_job(tmp_path), tmp_path / "t.geojson")
    read = read_qupath(tmp_path / "t.geojson", (0.0, 0.0))
    assert read.outlines == ()
    assert list(read.left_out.values()) == [40]


def test_measurements_and_class_are_those_of_the_tile(tmp_path):
    job = make_job(tmp_path)
    _, whole = features_of(job, tmp_path / "t.geojson")
    item = job.checkpoints[0]
    margin = (item.predictions.table["logit_1"] - item.predictions.table["logit_0"]).to_numpy()
    for row, feature in enumerate(whole["features"]):
        found = feature["properties"]["measurements"]
        values = item.attributions.maps(slice(row, row + 1)).astype(float)
        assert found[PROBABILITY] == pytest.approx(1 / (1 + np.exp(-margin[row])), rel=1e-7)
        assert found[MEAN] == pytest.approx(values.mean(), rel=1e-6)
        assert found[MEAN_ABSOLUTE] == pytest.approx(np.abs(values).mean(), rel=1e-6)
        positive = values[values > 0].sum() / np.abs(values).sum()
        assert found[POSITIVE_FRACTION] == pytest.approx(positive, rel=1e-6)
        name = feature["properties"]["classification"]["name"]
        assert name == ("tumour" if margin[row] > 0 else "normal")
    colours = {
        f["properties"]["classification"]["name"]: tuple(f["properties"]["classification"]["color"])
        for f in whole["features"]
    }
    assert len(set(colours.values())) == 2


def test_figures_with_known_answers():
    maps = np.array([[[3.0, -1.0], [0.0, 0.0]], [[-2.0, -2.0], [-2.0, -2.0]]], np.float32)
    found = tile_figures(maps)
    np.testing.assert_allclose(found[MEAN], [0.5, -2.0])
    np.testing.assert_allclose(found[MEAN_ABSOLUTE], [1.0, 2.0])
    np.testing.assert_allclose(found[POSITIVE_FRACTION], [0.75, 0.0])


def test_what_is_no_number_is_left_out(tmp_path):
    job = make_job(tmp_path, {("standard", 0): np.zeros((40, 16, 16))})
    _, whole = features_of(job, tmp_path / "t.geojson")
    assert set(whole["features"][0]["properties"]["measurements"]) == {PROBABILITY, MEAN, MEAN_ABSOLUTE}


def test_of_a_sample_the_other_tiles_have_a_probability_alone(tmp_path):
    job = make_job(tmp_path)
    item, sample = job.checkpoints[0], [30, 7]
    margin = (item.predictions.table["logit_1"] - item.predictions.table["logit_0"]).to_numpy()
    maps = make_attributions(tmp_path / "few", job.tiles, np.ones((2, 16, 16)), margin[sample], sample)
    few = dataclasses.replace(job, checkpoints=(dataclasses.replace(item, attributions=maps),))
    _, whole = features_of(few, tmp_path / "t.geojson")
    with_maps = [
        f["properties"]["name"] for f in whole["features"] if MEAN in f["properties"]["measurements"]
    ]
    assert with_maps == job.tiles.table["tile_id"].iloc[sample].tolist()
    assert len(whole["features"]) == 40
    for feature in whole["features"]:
        row = job.tiles.table["tile_id"].tolist().index(feature["properties"]["name"])
        expected = 1 / (1 + np.exp(-margin[row]))
        assert feature["properties"]["measurements"][PROBABILITY] == pytest.approx(expected, rel=1e-7)
    assert whole["veritile"]["maps"] == "2 of 40 tiles"


def test_a_study_with_two_models_gives_other_ids(tmp_path):
    view = view_slide(make_job(tmp_path))
    ids = []
    for number, item in enumerate(view.checkpoints[:2]):
        whole = written(view, item, tmp_path / f"{number}.geojson")
        ids.append({f["id"] for f in whole["features"]})
    assert not ids[0] & ids[1]


def test_the_archive_repeats_byte_for_byte_and_is_small(tmp_path):
    job = make_job(tmp_path)
    for name in "ab":
        (tmp_path / name).mkdir()
        features_of(job, tmp_path / name / "t.geojson")
    first, second = ((tmp_path / name / "t.geojson.zip").read_bytes() for name in "ab")
    assert first == second
    assert len(first) < 0.3 * (tmp_path / "a" / "t.geojson").stat().st_size


def test_tiles_come_back_from_the_archive_with_names_colours_and_measurements(tmp_path):
    job = make_job(tmp_path)
    view, whole = features_of(job, tmp_path / "t.geojson")
    found = read_qupath_objects(tmp_path / "t.geojson.zip", (0.0, 0.0))
    assert [each.kind for each in found] == ["tile"] * 40
    assert [each.name for each in found] == view.checkpoints[0].tiles["tile_id"].tolist()
    for each, feature in zip(found, whole["features"], strict=True):
        stated = feature["properties"]
        assert each.measurements == stated["measurements"]
        assert each.class_name == stated["classification"]["name"]
        assert list(each.class_colour) == stated["classification"]["color"]
        assert each.id == feature["id"]
    write_qupath_objects(found, tmp_path / "again.geojson")
    again = json.loads((tmp_path / "again.geojson").read_text())
    assert again["features"] == json.loads(json.dumps(whole["features"]))
