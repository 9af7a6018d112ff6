"""The file is read back by tifffile and by the XML parser of the standard library."""

import dataclasses
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import tifffile

from tasks.artifacts.tile_set import SLIDE
from tasks.reporting.exports.ome_tiff import write_ome_tiff
from tasks.reporting.maps.job import HeatmapRecipe
from tasks.reporting.maps.stitch import stitch
from tasks.reporting.maps.view import view_slide
from tests._support.heatmap_jobs import geometry, make_job
from tests._support.whole_pyramid import whole_pyramid

NAMES = {"ome": "http://www.openmicroscopy.org/Schemas/OME/2016-06"}
LONG = 1100


@pytest.fixture
def written(tmp_path):
    job = make_job(tmp_path)
    job.tiles.table["x_level0"] += 24.0
    view = view_slide(job)
    write_ome_tiff(view, view.checkpoints[0], tmp_path / "map.ome.tiff")
    return view, tmp_path / "map.ome.tiff"


def test_raw_values_come_back_bit_for_bit_in_two_channels(written):
    view, path = written
    item, found = view.checkpoints[0], tifffile.imread(path)
    assert (found.dtype, found.shape) == (np.float32, (2, 8 * 16, 5 * 16))
    maps = item.checkpoint.attributions.maps()
    np.testing.assert_array_equal(found[0, 16:32, 16:32], maps[6])
    np.testing.assert_array_equal(found[0, 112:128, 64:80], maps[39])
    np.testing.assert_array_equal(
        found[1], stitch(view.canvas, item.tiles, item.tile_probability[:, None, None])
    )


def test_nan_marks_where_no_tile_lies(tmp_path):
    job = make_job(tmp_path)
    job.tiles.table.loc[0, "x_level0"] = -64.0
    view = view_slide(job)
    write_ome_tiff(view, view.checkpoints[0], tmp_path / "map.ome.tiff")
    found = tifffile.imread(tmp_path / "map.ome.tiff")
    gone = np.ones((128, 112), bool)
    gone[:16, :16], gone[:, 32:] = False, False
    gone[:16, 32:48] = True
    np.testing.assert_array_equal(np.isnan(found), np.stack([gone, gone]))


def test_the_description_is_ome_xml_that_says_where_the_map_lies(written):
    path = written[1]
    with tifffile.TiffFile(path) as file:
        root = ET.fromstring(file.ome_metadata)
        page = file.pages[0]
        assert (page.tilewidth, page.tilelength, page.compression.name) == (256, 256, "ADOBE_DEFLATE")
        assert page.predictor == 1
    pixels = root.find(".//ome:Pixels", NAMES)
    assert (pixels.get("Type"), pixels.get("SizeC"), pixels.get("DimensionOrder")) == ("float", "2", "XYCZT")
    assert (pixels.get("SizeX"), pixels.get("SizeY")) == ("80", "128")
    assert (float(pixels.get("PhysicalSizeX")), pixels.get("PhysicalSizeXUnit")) == (1.0, "µm")
    assert float(pixels.get("PhysicalSizeY")) == 1.0
    channels = [c.get("Name") for c in root.findall(".//ome:Channel", NAMES)]
    assert channels == ["attribution smoothgrad", "probability of tumour"]
    planes = root.findall(".//ome:Plane", NAMES)
    assert [(float(p.get("PositionX")), float(p.get("PositionY"))) for p in planes] == [(12.0, 0.0)] * 2
    place = {m.get("K"): float(m.text) for m in root.findall(".//ome:M", NAMES)}
    assert (place["level0_left"], place["level0_top"]) == (24.0, 0.0)
    assert (place["level0_step_x"], place["level0_step_y"]) == (2.0, 2.0)
    assert "covers level-0 x from 24.0 + column * 2.0" in root.find(".//ome:Description", NAMES).text
    assert "NaN outside of tiles" in root.find(".//ome:Description", NAMES).text


def test_qupath_is_told_where_the_map_lies_from_its_own_corner(tmp_path):
    job = make_job(tmp_path)
    info = json.loads((job.tiles.folder / SLIDE).read_text())
    info["geometry"] = (
        geometry().model_copy(update={"bounds_x": 7.0, "bounds_y": 5.0}).model_dump(mode="json")
    )
    (job.tiles.folder / SLIDE).write_text(json.dumps(info))
    view = view_slide(job)
    write_ome_tiff(view, view.checkpoints[0], tmp_path / "map.ome.tiff")
    with tifffile.TiffFile(tmp_path / "map.ome.tiff") as file:
        root = ET.fromstring(file.ome_metadata)
    place = {m.get("K"): float(m.text) for m in root.findall(".//ome:M", NAMES)}
    assert (place["qupath_left"], place["qupath_top"]) == (-7.0, -5.0)


def test_a_canvas_that_was_made_coarser_says_its_own_pixel_size(tmp_path):
    job = dataclasses.replace(make_job(tmp_path), recipe=HeatmapRecipe(max_side_px=64))
    view = view_slide(job)
    write_ome_tiff(view, view.checkpoints[0], tmp_path / "map.ome.tiff")
    with tifffile.TiffFile(tmp_path / "map.ome.tiff") as file:
        pixels = ET.fromstring(file.ome_metadata).find(".//ome:Pixels", NAMES)
    assert float(pixels.get("PhysicalSizeX")) == 2.0
    assert (pixels.get("SizeX"), pixels.get("SizeY")) == ("40", "64")


def test_a_long_map_is_stored_as_a_pyramid(tmp_path, monkeypatch):
    view = view_slide(make_job(tmp_path))
    item = view.checkpoints[0]
    canvas = view.canvas.model_copy(update={"step_x": 160 / LONG, "step_y": 256 / LONG, "width": LONG})
    view = dataclasses.replace(view, canvas=canvas.model_copy(update={"height": LONG}))
    write_ome_tiff(view, item, tmp_path / "map.ome.tiff")
    with tifffile.TiffFile(tmp_path / "map.ome.tiff") as file:
        assert len(file.series) == 1
        series = file.series[0]
        assert (series.kind, series.axes) == ("ome", "CYX")
        levels = [level.asarray() for level in series.levels]
        assert [len(page.subifds) for page in series.pages] == [2, 2]
    for found, made in zip(levels, whole_pyramid(levels[0]), strict=True):
        np.testing.assert_array_equal(found, made)
    assert [level.shape[1] for level in levels] == [LONG, LONG // 2, LONG // 4]


def test_the_identifier_follows_the_bytes(tmp_path):
    view = view_slide(make_job(tmp_path))
    found = []
    for number, item in enumerate((*view.checkpoints[:2], view.checkpoints[0])):
        write_ome_tiff(view, item, tmp_path / f"{number}.ome.tiff")
        with tifffile.TiffFile(tmp_path / f"{number}.ome.tiff") as file:
            found.append(ET.fromstring(file.ome_metadata).get("UUID"))
    assert found[0] == found[2] != found[1]
