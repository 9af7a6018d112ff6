import colorsys

import numpy as np
import pytest
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.overview import Overview
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tissue import CLASSES, clean, find_tissue, saturation_of
from tests._support import stained_scenes as scenes
from tests._support.real_data import real_data
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


def seen(pixels):
    """The overview at 8 um/px of a scene at 2 um/px."""
    size = (pixels.shape[1] // 4, pixels.shape[0] // 4)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def tiles(tissue):
    """How many of the tiles of 16 px hold half of tissue: four by four pixels of the overview each."""
    height, width = tissue.mask.shape
    blocks = tissue.mask[: height // 4 * 4, : width // 4 * 4].reshape(height // 4, 4, width // 4, 4)
    return int((blocks.mean(axis=(1, 3)) >= 0.5).sum())


NO_TISSUE_BUT_THE_BOX = {
    "black": lambda: scenes.canvas((0, 0, 0)),
    "nearly black": lambda: scenes.canvas((4, 2, 6)),
    "greenish black": lambda: scenes.canvas((6, 8, 5), columns=125),
    "grey canvas": lambda: scenes.canvas((128, 128, 128)),
    "light grey canvas": lambda: scenes.canvas((200, 198, 202)),
    "white canvas": lambda: scenes.canvas((255, 255, 255)),
    "yellowed glass": lambda: scenes.glass_of((240, 226, 176)),
    "pink glass": lambda: scenes.glass_of((240, 205, 222)),
    "greenish glass": lambda: scenes.glass_of((205, 225, 205)),
    "dim glass": lambda: scenes.glass_of((170, 165, 160)),
    "uneven lamp": scenes.unevenly_lit,
    "very uneven lamp": lambda: scenes.unevenly_lit(0.55, (0.9, 1, 0.85)),
    "blue pen": lambda: scenes.with_pen((30, 60, 170)),
    "bright blue pen": lambda: scenes.with_pen((40, 50, 210), opacity=0.9),
    "green pen": lambda: scenes.with_pen((20, 120, 70)),
    "black pen": lambda: scenes.with_pen((25, 25, 30)),
    "red pen": lambda: scenes.with_pen((215, 25, 45)),
    "pale with brown": scenes.flat_pale_with_brown,
    "necrosis": scenes.necrosis,
    "fold": scenes.folded,
    "blur": scenes.blurred,
}


@pytest.mark.parametrize("name", NO_TISSUE_BUT_THE_BOX)
def test_the_box_of_tissue_is_found_whatever_lies_beside_it(name):
    tissue = find(seen(NO_TISSUE_BUT_THE_BOX[name]()))
    assert 186 <= tiles(tissue) <= 192
    assert not tissue.mask[:, :28].any()
    assert tissue.doubt_fraction < 0.1


@pytest.mark.parametrize("colour", [(40, 60, 150), (20, 40, 120), (45, 55, 130)])
@pytest.mark.parametrize("opacity", [0.75, 0.85, 1.0])
def test_a_dark_blue_pen_is_left_out_or_in_doubt(colour, opacity):
    tissue = find(seen(scenes.with_pen(colour, opacity=opacity)))
    assert tiles(tissue) <= 195 or tissue.notes.doubts["ink"] > RECIPE.doubt_limit


@pytest.mark.parametrize("strength", [0.6, 0.8])
def test_pale_nuclei_beside_brown_ones_are_tissue(strength):
    tissue = find(seen(scenes.pale_with_brown(strength)))
    assert tissue.notes.rule == "glass"
    assert 180 <= tiles(tissue) <= 192


@pytest.mark.parametrize(
    "scene", [scenes.all_tissue, scenes.flat_tissue, lambda: scenes.all_tissue(1, strength=0.6)]
)
def test_a_slide_without_glass_is_all_tissue(scene):
    tissue = find(seen(scene()))
    assert tiles(tissue) >= 630
    assert (tissue.notes.rule, tissue.notes.glass_rgb) == ("glass", None)
    assert "no empty glass" in tissue.notes.why


def test_a_small_biopsy_on_a_large_slide_is_found():
    pixels, inside = scenes.small_biopsy()
    tissue = find(seen(pixels))
    expected = inside[2::4, 2::4]
    assert (tissue.mask & expected).sum() >= 0.95 * expected.sum()
    assert not (tissue.mask & ~expected).any()


def test_a_small_biopsy_on_a_canvas_that_is_mostly_black_is_no_fluorescence():
    pixels = scenes.small_biopsy()[0]
    pixels[:, :375] = pixels[:, 575:] = (5, 3, 6)
    tissue = find(seen(pixels))
    assert 10 <= tiles(tissue) <= 18
    assert (tissue.classes == CLASSES.index("canvas")).mean() > 0.75


def test_of_fat_the_strands_are_tissue():
    tissue = find(seen(scenes.fat()))
    assert 60 <= tiles(tissue) <= 192
    assert not tissue.mask[:22].any()


@pytest.mark.parametrize(
    ("scene", "name", "low", "high"),
    [
        (lambda: scenes.with_pen((30, 60, 170)), "pen", 0.10, 0.16),
        (lambda: scenes.with_pen((215, 25, 45)), "pen", 0.10, 0.16),
        (lambda: scenes.canvas((4, 2, 6)), "canvas", 0.18, 0.21),
        (lambda: scenes.canvas((128, 128, 128)), "canvas", 0.17, 0.21),
        (scenes.folded, "fold", 0.02, 0.05),
        (scenes.blurred, "blur", 0.05, 0.14),
        (scenes.necrosis, "blur", 0.10, 0.16),
    ],
)
def test_artefacts_have_a_class_near_the_area_that_they_cover(scene, name, low, high):
    assert low <= find(seen(scene())).class_fractions()[name] <= high


def test_a_plain_slide_has_no_artefact_and_no_doubt():
    tissue = find(seen(scenes.plain()))
    assert set(tissue.class_fractions()) == {"tissue"}
    assert (tissue.doubt_fraction, tissue.notes.doubts, tissue.notes.warnings) == (0.0, {}, ())
    assert tissue.notes.rule == "saturation"


def test_red_beside_glass_is_ink_and_red_within_tissue_is_blood():
    pixels = scenes.plain()
    pixels[150:200, 200:250] = (200, 45, 70)
    tissue = find(seen(pixels))
    assert tiles(tissue) == 192
    assert "pen" not in tissue.class_fractions()
    assert tissue.notes.doubts["ink"] > 0.03


def test_thin_strokes_on_tissue_leave_it_tissue():
    pixels = scenes.plain()
    for column in range(175, 325, 13):
        pixels[125:225, column : column + 3] = (80, 150, 110)
    assert tiles(find(seen(pixels))) == 192


def test_artefacts_that_are_kept_are_tissue_and_others_can_be_left_out():
    pixels = seen(scenes.with_pen((30, 60, 170)))
    kept = find(pixels, RECIPE.model_copy(update={"left_out": ("canvas",)}))
    assert tiles(kept) > 260
    sharp = find(seen(scenes.blurred()), RECIPE.model_copy(update={"left_out": ("pen", "canvas", "blur")}))
    assert tiles(sharp) < 160


def test_the_recipe_can_name_the_rule():
    pixels = seen(scenes.flat_pale_with_brown())
    named = find(pixels, RECIPE.model_copy(update={"tissue_rule": "saturation"}))
    assert (tiles(named), named.notes.why) == (48, "the recipe names this rule")
    assert named.notes.doubts["pale"] > 0.5
    both = [
        find(seen(scenes.plain()), RECIPE.model_copy(update={"tissue_rule": rule}))
        for rule in ("saturation", "glass")
    ]
    assert tiles(both[0]) == tiles(both[1]) == 192


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ycbcr", "as where YCbCr samples are shown as RGB"),
        ("twice", "which is no colour of glass"),
        ("inverted", "dark as in fluorescence or in inverted colours"),
        ("gray", "the slide is grey, its three channels are equal"),
    ],
)
@pytest.mark.parametrize("scene", [scenes.plain, scenes.pale_with_brown, scenes.small_biopsy_alone])
def test_wrong_colours_are_refused(scene, name, words):
    with pytest.raises(SlideError, match=f"slide a: .*{words}"):
        find(seen(scenes.WRONG_COLOURS[name](scene())))


def test_chroma_is_refused_without_any_glass_too():
    with pytest.raises(SlideError, match="as where YCbCr samples are shown as RGB"):
        find(seen(scenes.ycbcr_as_rgb(scenes.all_tissue())))


@pytest.mark.real_data
@pytest.mark.parametrize(
    "core", ["ytma10_010704_benign1", "ytma49_111003_malignant1", "ytma23_022103_malignant1"]
)
def test_real_cores_are_read_and_refused_as_chroma(core):
    with Image.open(real_data(f"ucsb_tma/{core}_ccd.jpg")) as image:
        pixels = np.asarray(image.convert("RGB").reduce(8))
    assert find(pixels).mask.mean() > 0.3
    with pytest.raises(SlideError, match="as where YCbCr samples are shown as RGB"):
        find(scenes.ycbcr_as_rgb(pixels))


def test_channels_in_a_wrong_order_are_said():
    swapped = find(seen(scenes.WRONG_COLOURS["swapped"](scenes.plain())))
    assert "red and blue seem to be swapped" in swapped.notes.warnings[0]
    green = find(seen(scenes.WRONG_COLOURS["green first"](scenes.plain())))
    assert "of the tissue has colours of ink" in green.notes.warnings[0]
    assert green.doubt_fraction > 0.3


@pytest.mark.parametrize("scene", [scenes.plain, scenes.pale_with_brown, scenes.necrosis, scenes.fat])
def test_right_colours_raise_no_warning(scene):
    assert find(seen(scene())).notes.warnings == ()


def test_doubt_is_where_a_threshold_decides():
    pixels = glass(160, 80)
    pixels[10:70, 10:60] = PINK
    pixels[10:70, 90:108] = (228, 222, 240)  # paler than the threshold and denser than glass
    tissue = find(pixels, RECIPE.model_copy(update={"saturation_range": (0.2, 0.2)}))
    assert not tissue.mask[:, 80:].any()
    assert tissue.doubt[20:60, 95:103].all()
    assert tissue.doubt_fraction == pytest.approx(0.265, abs=0.02)
    assert set(tissue.notes.doubts) == {"pale"}


def test_the_glass_beside_tissue_has_neither_pen_nor_canvas():
    tissue = find(seen(scenes.canvas((4, 2, 6))))
    assert not tissue.bare[:, :22].any()
    assert not (tissue.bare & tissue.mask).any()
    assert tissue.bare.mean() > 0.4


def test_bands_give_what_the_whole_picture_gives(monkeypatch):
    pixels = seen(scenes.with_pen((30, 60, 170), scenes.unevenly_lit()))
    whole = find(pixels)
    monkeypatch.setattr("tasks.tiling._bands.ROWS", 16)
    banded = find(pixels)
    np.testing.assert_array_equal(whole.mask, banded.mask)
    np.testing.assert_array_equal(whole.classes, banded.classes)
    np.testing.assert_array_equal(whole.doubt, banded.doubt)
    assert whole.notes == banded.notes
