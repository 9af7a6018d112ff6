"""Outlines of annotations, traced a block of tiles at a time."""

import numpy as np
import pytest
from skimage.measure import find_contours

from tasks.artifacts.tile_set import ANNOTATION_MASK, TILES, TileSet
from tasks.reporting.maps.canvas import thumbnail_canvas
from tasks.reporting.maps.outlines import outlines_on
from tasks.reporting.maps.stitch import stitch
from tests._support.heatmap_jobs import geometry, make_job, make_slide


class Watched:
    """Masks that note how many are read at once."""

    def __init__(self, masks: np.ndarray) -> None:
        self.masks, self.shape, self.read = masks, masks.shape, []

    def __getitem__(self, rows):
        self.read.append(len(rows))
        return self.masks[rows]


def watched(tiles: TileSet) -> Watched:
    seen = Watched(np.array(tiles.annotation_mask))
    # A view keeps what it has opened under the name of the property.
    tiles.__dict__["annotation_mask"] = seen
    return seen


def test_outlines_follow_the_annotation(tmp_path):
    job = make_job(tmp_path)
    outlines = outlines_on(thumbnail_canvas(geometry()), job.tiles)
    edge, _ = geometry().level0_to_thumbnail(2.5 * 32.0, 0.0)
    end, bottom = geometry().level0_to_thumbnail(5 * 32.0, 8 * 32.0)
    known = np.concatenate(outlines.inside)
    assert known[:, 0] == pytest.approx(edge, abs=1.0)
    closed = np.concatenate(outlines.closed)
    assert closed.min(axis=0) == pytest.approx((edge, 0.0), abs=1.0)
    assert closed.max(axis=0) == pytest.approx((end, bottom), abs=1.0)


@pytest.mark.parametrize("count", [40, 130])
def test_they_are_those_of_all_masks_at_once(tmp_path, count):
    canvas, tiles = thumbnail_canvas(geometry()), make_slide(tmp_path, count=count)
    whole = stitch(canvas, tiles.table, tiles.annotation_mask > 0)
    found = outlines_on(canvas, tiles)
    for one, other in zip(found.inside, find_contours(whole, 0.5), strict=True):
        np.testing.assert_allclose(one, other[:, ::-1] + 0.5, atol=1e-6)


def test_masks_are_read_in_blocks_and_only_where_there_is_an_annotation(tmp_path):
    tiles = make_slide(tmp_path, count=400)
    seen = watched(tiles)
    assert outlines_on(thumbnail_canvas(geometry()), tiles).annotated
    assert max(seen.read) <= 64
    assert sum(seen.read) == tiles.outlined.sum() == 400 * 3 // 5


def test_a_slide_without_annotation_has_no_lines_and_reads_no_mask(tmp_path):
    tiles = make_slide(tmp_path)
    np.save(tiles.folder / ANNOTATION_MASK, np.zeros((40, 16, 16), np.uint8))
    tiles.table.assign(coverage_tumour=0.0).to_parquet(tiles.folder / TILES, index=False)
    bare = TileSet(tiles.folder)
    seen = watched(bare)
    found = outlines_on(thumbnail_canvas(geometry()), bare)
    assert (found.inside, found.closed, found.annotated) == ((), (), False)
    assert seen.read == []
