import numpy as np
import pytest
from PIL import Image

from tasks.slides.first_look import look
from tasks.slides.reader import open_slide
from tests._support.real_data import real_data
from tests._support.slide_files import GLASS, glass, with_tissue
from tests._support.tiled_files import halves, picture, write_tiled


def on_glass(seed=0):
    """Return a slide that is mostly glass, with one piece of tissue."""
    level0 = glass(1600, 1200)
    level0[300:800, 400:1100] = picture(700, 500, seed)
    return level0


def padded(level, side):
    height, width = (-(-size // side) * side for size in level.shape[:2])
    whole = np.full((height, width, 3), GLASS, np.uint8)
    whole[: level.shape[0], : level.shape[1]] = level
    return whole


def left_out(tmp_path, levels, compression="jpeg"):
    return look(write_tiled(tmp_path / "slide.tif", levels, compression)).levels_left_out


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("filter_", ["BOX", "NEAREST", "LANCZOS"])
def test_levels_of_one_picture_fit_however_they_were_made(tmp_path, odd, filter_):
    level0 = on_glass()
    levels = [level0] + [
        np.asarray(Image.fromarray(level0).resize((1600 // n - odd, 1200 // n), Image.Resampling[filter_]))
        for n in (2, 4, 16)
    ]
    assert left_out(tmp_path, levels) == {}


def test_a_slide_of_glass_has_nothing_to_compare(tmp_path):
    assert left_out(tmp_path, halves(glass(800, 600), 2)) == {}


@pytest.mark.parametrize("side", [256, 512, 640])
def test_levels_that_were_filled_up_to_whole_tiles_are_left_out(tmp_path, side):
    levels = halves(on_glass(), 2)
    reasons = left_out(tmp_path, [levels[0], *(padded(level, side) for level in levels[1:])])
    assert set(reasons) == {1, 2}
    if side > 256:  # 800 x 600 in tiles of 256 has one scale, a wrong one, and only pixels tell
        assert all("the x ratio is" in reason and "the y ratio" in reason for reason in reasons.values())


@pytest.mark.parametrize("shift", [(9, 0), (0, 12), (-10, 7), (60, 60)])
def test_a_shifted_level_is_left_out(tmp_path, shift):
    levels = halves(on_glass(), 2)
    levels[1] = np.roll(levels[1], shift, axis=(0, 1))
    assert set(left_out(tmp_path, levels)) == {1}


@pytest.mark.parametrize("change", ["other", "mirrored", "turned", "glass"])
def test_a_level_of_another_picture_is_left_out(tmp_path, change):
    levels = halves(on_glass(), 2)
    levels[2] = {
        "other": halves(on_glass(5), 2)[2],
        "mirrored": levels[2][:, ::-1],
        "turned": levels[2][::-1, ::-1],
        "glass": glass(400, 300),
    }[change]
    reasons = left_out(tmp_path, levels)
    assert set(reasons) == {2}
    assert "another picture" in reasons[2]


def test_a_level_of_other_colours_is_left_out(tmp_path):
    levels = halves(on_glass(), 2)
    levels[1] = levels[1][..., ::-1] // 2
    assert set(left_out(tmp_path, levels)) == {1}


def test_a_thumbnail_among_the_levels_is_left_out(tmp_path):
    levels = [*halves(on_glass(), 1), with_tissue(glass(300, 300), (50, 50, 200, 200))]
    assert set(left_out(tmp_path, levels)) == {2}


def test_levels_in_the_wrong_sequence_are_each_read_at_their_scale(tmp_path):
    levels = halves(on_glass(), 2)
    choice = look(write_tiled(tmp_path / "slide.tif", [levels[0], levels[2], levels[1]], "deflate"))
    assert choice.levels_left_out == {}
    with open_slide(tmp_path / "slide.tif", None, choice=choice) as slide:
        np.testing.assert_array_equal(slide.read(400, 300, 512, 256), levels[1][150:406, 200:456])
        np.testing.assert_array_equal(slide.read(400, 300, 512, 128), levels[2][75:203, 100:228])


def test_without_a_level_its_pixels_come_from_a_finer_one(tmp_path):
    levels = halves(on_glass(), 1)
    right = write_tiled(tmp_path / "right.tif", levels[:1], "deflate")
    levels[1] = np.roll(levels[1], 40, axis=0)
    wrong = write_tiled(tmp_path / "wrong.tif", levels, "deflate")
    with open_slide(right, None) as expected, open_slide(wrong, None) as slide:
        assert slide.geometry.levels_left_out == (1,)
        np.testing.assert_array_equal(slide.read(400, 300, 512, 256), expected.read(400, 300, 512, 256))
        np.testing.assert_array_equal(slide.thumbnail(), expected.thumbnail())


@pytest.mark.real_data
def test_the_padded_levels_of_a_real_fault_are_left_out():
    with open_slide(real_data("faults/levels_padded/padded.tif"), None) as slide:
        assert slide.geometry.levels_left_out == (1, 2, 3)
        assert "the x ratio is 1.56 and the y ratio 1.07" in slide.choice.levels_left_out[1]


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["her2st/slides/HER2ST_C3.tiff", "formats/hamamatsu_fluorescence.ndpi"])
def test_the_levels_of_a_real_slide_fit(name):
    assert look(real_data(name)).levels_left_out == {}
