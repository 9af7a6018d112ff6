import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.slides.geometry import SlideGeometry

GEOMETRY = SlideGeometry(
    width_level0=2011,
    height_level0=1523,
    mpp=0.25,
    mpp_y=0.252,
    mpp_source="metadata",
    bounds_x=100.0,
    bounds_y=50.0,
    bounds_width=1800.0,
    bounds_height=1400.0,
    level_downsamples=(1.0, 2.000101, 4.0004, 16.03),
    thumbnail_width=500,
    thumbnail_height=379,
    thumbnail_downsample_x=2011 / 500,
    thumbnail_downsample_y=1523 / 379,
)
POSITION = st.floats(-1e6, 1e6)


def test_known_positions():
    assert GEOMETRY.level0_to_um(100.0, 100.0) == (25.0, 25.2)
    assert GEOMETRY.um_to_level0(25.0, 25.2) == (100.0, 100.0)
    assert GEOMETRY.level0_to_level(16.03, 32.06, 3) == (1.0, 2.0)
    assert GEOMETRY.level0_to_thumbnail(2011.0, 1523.0) == pytest.approx((500.0, 379.0))
    assert GEOMETRY.thumbnail_to_level0(250.0, 0.0) == pytest.approx((1005.5, 0.0))


@given(POSITION, POSITION, st.integers(0, 3))
def test_there_and_back(x, y, level):
    assert GEOMETRY.um_to_level0(*GEOMETRY.level0_to_um(x, y)) == pytest.approx((x, y))
    assert GEOMETRY.level_to_level0(*GEOMETRY.level0_to_level(x, y, level), level) == pytest.approx((x, y))
    assert GEOMETRY.thumbnail_to_level0(*GEOMETRY.level0_to_thumbnail(x, y)) == pytest.approx((x, y))


def test_arrays_go_through_like_numbers():
    x, y = np.array([0.0, 10.0, 2011.0]), np.array([1.0, 2.0, 3.0])
    um_x, um_y = GEOMETRY.level0_to_um(x, y)
    for i in range(3):
        assert (um_x[i], um_y[i]) == GEOMETRY.level0_to_um(float(x[i]), float(y[i]))


@pytest.mark.parametrize(
    ("downsample", "level"),
    [(0.5, 0), (1.0, 0), (1.9, 0), (2.0, 1), (3.9, 1), (4.0, 2), (15.0, 2), (100.0, 3)],
)
def test_best_level_is_the_coarsest_that_still_holds_the_detail(downsample, level):
    assert GEOMETRY.best_level(downsample) == level


def test_it_is_frozen_and_round_trips_through_json():
    assert SlideGeometry.model_validate_json(GEOMETRY.model_dump_json()) == GEOMETRY
    with pytest.raises(ValidationError):
        GEOMETRY.mpp = 1.0
