import colorsys

import numpy as np
import pytest

from tasks.slides.errors import SlideError
from tasks.slides.overview import Overview
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tissue import clean, find_tissue, saturation_of
from tests._support.slide_files import PINK, glass, noise, with_tissue

RECIPE = TilingRecipe(mpp=1, min_speck_um=100, min_hole_um=60)
PIXEL_UM2 = 64.0


def overview(pixels, readable=None):
    whole = np.ones(pixels.shape[:2], dtype=bool)
    return Overview(
        pixels, whole if readable is None else readable, 8.0, 8.0, "" if readable is None else "broken"
    )


def find(pixels, recipe=RECIPE, readable=None):
    return find_tissue(overview(pixels, readable), PIXEL_UM2, recipe, "slide a")


def test_saturation_is_that_of_hsv():
    pixels = noise(20, 20)
    expected = [
        [colorsys.rgb_to_hsv(*(value / 255 for value in pixel))[1] for pixel in row] for row in pixels
    ]
    np.testing.assert_allclose(saturation_of(pixels), expected, atol=1e-6)
    assert saturation_of(np.zeros((1, 1, 3), dtype=np.uint8)) == 0


def test_tissue_is_what_is_coloured():
    tissue = find(with_tissue(glass(100, 80), (20, 30, 60, 70)))
    expected = np.zeros((80, 100), dtype=bool)
    expected[30:70, 20:60] = True
    expected[[30, 30, 69, 69], [20, 59, 20, 59]] = False  # the median rounds the corners
    np.testing.assert_array_equal(tissue.mask, expected)
    assert 0.05 <= tissue.threshold <= 0.2


def test_a_slide_that_is_all_tissue_is_not_split_in_two():
    pixels = np.clip(np.array(PINK) + noise(100, 80) // 8 - 16, 0, 255).astype(np.uint8)
    assert find(pixels).mask.all()


def test_noise_on_glass_is_no_tissue():
    pixels = (glass(100, 80) - noise(100, 80) % 3).astype(np.uint8)
    with pytest.raises(SlideError, match="slide a: no tissue found"):
        find(pixels)


def test_specks_go_and_holes_close_by_their_area():
    # At 64 um2 a pixel, a disc of 100 um is 122.7 pixels and a disc of 60 um is 44.2.
    mask = np.zeros((100, 100), dtype=bool)
    mask[2:13, 2:13] = True  # 121 pixels
    mask[20:31, 2:13] = True
    mask[31, 2:4] = True  # 123 pixels
    mask[40:90, 40:90] = True
    mask[45:51, 45:52] = False  # 42 pixels
    mask[60:65, 60:69] = False  # 45 pixels
    found = clean(mask, PIXEL_UM2, RECIPE)
    assert not found[2:13, 2:13].any()
    assert found[20:31, 2:13].all()
    assert found[45:51, 45:52].all()
    assert not found[60:65, 60:69].any()


def test_glass_at_the_edge_of_the_slide_is_no_hole():
    mask = np.ones((40, 40), dtype=bool)
    mask[0:5, 10:15] = mask[20:25, 20:25] = False
    found = clean(mask, PIXEL_UM2, RECIPE)
    assert not found[0:5, 10:15].any()
    assert found[20:25, 20:25].all()


def test_pieces_hang_together_by_corners_and_holes_do_not():
    mask = np.zeros((60, 60), dtype=bool)
    mask[0:10, 0:10] = mask[10:20, 10:20] = True  # together 200 pixels, touching at a corner
    assert clean(mask, PIXEL_UM2, RECIPE)[:20, :20].sum() == 200


def test_a_dark_slide_is_refused_as_no_h_and_e():
    pixels = np.zeros((80, 100, 3), dtype=np.uint8)
    pixels[20:60, 20:60] = (0, 220, 40)
    with pytest.raises(
        SlideError, match="slide a: this is not H&E, most of the slide is dark as in fluorescence"
    ):
        find(pixels)


def test_what_cannot_be_read_counts_as_tissue_so_that_its_tiles_are_tried():
    pixels = with_tissue(glass(100, 80), (20, 30, 60, 70))
    readable = np.ones((80, 100), dtype=bool)
    readable[0:10, 90:100] = False
    tissue = find(pixels, readable=readable)
    assert tissue.mask[0:10, 90:100].all()
    assert not tissue.mask[12:28, 62:88].any()


def test_a_slide_that_cannot_be_read_at_all_is_refused():
    with pytest.raises(SlideError, match="slide a: no part of the slide can be read: broken"):
        find(glass(10, 10), readable=np.zeros((10, 10), dtype=bool))
