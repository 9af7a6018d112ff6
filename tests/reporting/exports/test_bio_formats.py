"""Bio-Formats reads the maps: its own check of the XML, its own pixels, and what QuPath asks of a pyramid."""

import dataclasses
import re

import numpy as np
import pytest
import tifffile

from tasks.reporting.exports import ome_tiff
from tasks.reporting.exports.ome_tiff import write_ome_tiff
from tasks.reporting.maps.view import view_slide
from tests._support.bio_formats import info_of, needs_bio_formats, resolutions, written_again
from tests._support.heatmap_jobs import make_job

pytestmark = needs_bio_formats
LONG = 1100


def long_map(folder):
    view = view_slide(make_job(folder))
    canvas = view.canvas.model_copy(update={"step_x": 160 / LONG, "step_y": 256 / LONG, "width": LONG})
    view = dataclasses.replace(view, canvas=canvas.model_copy(update={"height": LONG}))
    write_ome_tiff(view, view.checkpoints[0], folder / "map.ome.tiff")
    return folder / "map.ome.tiff"


@pytest.mark.parametrize("big", [False, True], ids=["tiff", "bigtiff"])
def test_every_value_of_every_resolution_comes_back_bit_for_bit(tmp_path, monkeypatch, big):
    if big:
        monkeypatch.setattr(ome_tiff, "_BIG", 0)
    path = long_map(tmp_path)
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff == big
    again = written_again(path, tmp_path / "again.ome.tiff")
    with tifffile.TiffFile(path) as ours, tifffile.TiffFile(again) as theirs:
        (series,) = theirs.series
        assert len(series.levels) == len(ours.series[0].levels) == 3
        for mine, other in zip(ours.series[0].levels, series.levels, strict=True):
            np.testing.assert_array_equal(mine.asarray().view(np.uint32), other.asarray().view(np.uint32))


def test_its_xml_is_valid_and_says_names_and_sizes(tmp_path):
    info = info_of(long_map(tmp_path))
    assert "No validation errors found." in info
    assert "Pixel type = float" in info
    assert re.findall(r'<Channel ID="[^"]+" Name="([^"]+)"', info) == [
        "attribution smoothgrad",
        "probability of tumour",
    ]
    size = re.search(r'PhysicalSizeX="([^"]+)" PhysicalSizeXUnit="µm"', info)
    assert float(size[1]) == pytest.approx(160 / LONG * 0.5)
    assert '<M K="level0_left">0.0</M>' in info


def test_it_is_one_pyramid_of_squares_as_qupath_opens_at_once(tmp_path):
    # QuPath takes the resolutions of one series as a pyramid, and reads squares on demand where there are
    # squares. Its scale is the ratio of the widths, so these must be halves.
    info = info_of(long_map(tmp_path))
    assert resolutions(info) == [LONG, LONG // 2, LONG // 4]
    assert "Tile size = 256 x 256" in info
    assert "RGB = false (1)" in info
    assert "Thumbnail series = false" in info
