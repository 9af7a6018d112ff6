"""A map stitched in stripes is the map stitched at once."""

import numpy as np
import pandas as pd
import pytest

from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.stitch import stitch
from tasks.reporting.maps.stripes import stripes

COUNT, SIDE = 150, 12


@pytest.fixture(scope="module")
def maps():
    return np.random.default_rng(0).normal(size=(COUNT, SIDE, SIDE)).astype(np.float32)


def grid(step: float, columns: int = 10) -> pd.DataFrame:
    row, column = np.divmod(np.arange(COUNT), columns)
    return pd.DataFrame({"x_level0": column * step, "y_level0": row * step, "extent_level0": 24.0})


@pytest.mark.parametrize("height", [1, 7, 16, 64, 1000])
@pytest.mark.parametrize("step", [24.0, 17.3])  # side by side; overlapping, at fractions of a pixel
@pytest.mark.parametrize("pixel", [2.0, 3.7, 11.0])
def test_stripes_are_the_rows_of_the_whole(maps, height, step, pixel):
    canvas = MapCanvas(
        left=-5.0, top=-3.3, step_x=pixel, step_y=pixel, width=int(260 / pixel), height=int(400 / pixel)
    )
    found = list(stripes(canvas, grid(step), maps.__getitem__, height))
    assert all(len(stripe) == height for stripe in found[:-1])
    np.testing.assert_array_equal(np.concatenate(found), stitch(canvas, grid(step), maps))


def test_of_tiles_in_rows_each_is_read_about_once_and_few_at_a_time(maps):
    canvas = MapCanvas(left=0.0, top=0.0, step_x=2.0, step_y=2.0, width=120, height=180)
    asked = []

    def read(rows):
        asked.append(rows)
        return maps[rows]

    list(stripes(canvas, grid(24.0), read, 60))
    assert all(rows.stop - rows.start == 64 for rows in asked)
    # Three stripes of 50 tiles each touch 1, 2 and 2 blocks of 64, and a neighbour at an edge.
    assert len(asked) <= 7


def test_rows_without_a_tile_are_nan(maps):
    canvas = MapCanvas(left=0.0, top=-100.0, step_x=2.0, step_y=2.0, width=120, height=240)
    first = next(stripes(canvas, grid(24.0), maps.__getitem__, 40))
    assert np.isnan(first).all()
