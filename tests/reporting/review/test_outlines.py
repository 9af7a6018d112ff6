"""Outlines on the page match the masks."""

import numpy as np

from tasks.artifacts.tile_set import ARTEFACT_MASK, TileSet
from tasks.reporting.maps.canvas import thumbnail_canvas
from tasks.reporting.review.outlines import slide_outlines
from tests._support.heatmap_jobs import geometry, make_slide


def area(line: list[int]) -> float:
    """Area in canvas pixels of a closed line given in tenths of pixels."""
    x, y = np.array(line[::2]) / 10, np.array(line[1::2]) / 10
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def test_an_artefact_is_outlined_where_it_lies(tmp_path):
    tiles = make_slide(tmp_path)
    mask = np.zeros((40, 16, 16), np.uint8)
    mask[0, :8] = 1
    np.save(tmp_path / ARTEFACT_MASK, mask)
    found = slide_outlines(thumbnail_canvas(geometry()), TileSet(tiles.folder), 10**6)
    (line,) = found["artefact"]
    # The upper half of tile 0: 32 x 16 of 200 x 300 level-0 pixels, 11.84 x 5.92 of 74 x 111.
    assert max(line[::2]) / 10 <= 12.5
    assert max(line[1::2]) / 10 <= 6.5
    assert abs(area(line) - 11.84 * 5.92) < 6
    assert (found["width"], found["height"]) == (74, 111)


def test_what_a_slide_lacks_has_no_lines_and_little_room_makes_them_simpler(tmp_path):
    canvas, tiles = thumbnail_canvas(geometry()), make_slide(tmp_path)
    found = slide_outlines(canvas, tiles, 10**6)
    assert "artefact" not in found
    assert found["annotation"]
    assert found["tolerance"] == 0.25
    simple = slide_outlines(canvas, tiles, 300)
    assert simple["tolerance"] > 0.25
    assert len(str(simple)) < len(str(found))
