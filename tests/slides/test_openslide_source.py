from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tasks.slides.errors import SlideError
from tasks.slides.level_region import LevelRegion
from tasks.slides.openslide_source import OpenSlideSource
from tests._support.slide_files import break_tile, noise, write_slide

BROKEN = LevelRegion(140, 140, 0, 64, 64)


@pytest.fixture
def broken(tmp_path):
    path = write_slide(tmp_path / "broken.tiff", noise(512, 384), compression="jpeg")
    break_tile(path, 5)
    return path


def test_an_error_latches_in_openslide_but_not_here(broken):
    source = OpenSlideSource(broken)
    before = source.region(LevelRegion(0, 0, 0, 64, 64))
    for _ in range(2):
        with pytest.raises(SlideError):
            source.region(BROKEN)
        np.testing.assert_array_equal(source.region(LevelRegion(0, 0, 0, 64, 64)), before)


def test_the_error_of_one_thread_is_not_that_of_another(broken):
    source = OpenSlideSource(broken)
    whole = [LevelRegion(x, y, 0, 100, 100) for x in (0, 260, 400) for y in (0, 260)]
    expected = [OpenSlideSource(broken).region(each) for each in whole]

    def read(number):
        if number % 5 == 0:
            with pytest.raises(SlideError):
                source.region(BROKEN)
        kind = number % len(whole)
        return np.array_equal(source.region(whole[kind]), expected[kind])

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(read, range(90)))


def test_outside_is_white(broken):
    region = OpenSlideSource(broken).region(LevelRegion(500, 370, 0, 64, 64))
    assert (region[14:] == 255).all()
    assert (region[:, 12:] == 255).all()


def test_closing_twice_does_nothing(broken):
    source = OpenSlideSource(broken)
    source.open()
    source.close()
    source.close()
