import numpy as np
import pytest
import shapely
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.tiling.class_picture import load_class_picture
from tasks.tiling.grid import TilePositions
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tissue import Tissue
from tasks.tiling.tissue_area import TissueArea
from tests._support.geometries import geometry_of

CLASSES = ("normal", "tumour", "necrosis")
RECIPE = TilingRecipe(mpp=1, classes=CLASSES, mask_classes={"0": "normal", "1": "tumour", "2": "necrosis"})
SLIDE = geometry_of(400, 300)


def load(tmp_path, values, name="m.png", slide: SlideGeometry = SLIDE, **lines):
    recipe = RECIPE.model_copy(update={"mask_classes": lines}) if lines else RECIPE
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(tmp_path / name)
    return load_class_picture(tmp_path / name, slide, recipe)


def drawn(dtype=np.uint8):
    values = np.zeros((30, 40), dtype=dtype)
    values[5:10, 20:30], values[12, 3] = 1, 2
    return values


def positions(*corners, extent):
    x, y = np.array(corners, dtype=float).T
    return TilePositions(np.arange(len(x)), np.arange(len(x)), x, y, extent)


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("m.png", Image.fromarray(drawn())),
        ("m.tif", Image.fromarray(drawn())),
        ("m.png", Image.fromarray(drawn(np.uint16))),
        ("m.tiff", Image.fromarray(drawn(np.uint16))),
        ("m.png", Image.merge("RGB", [Image.fromarray(drawn())] * 3)),
        ("m.png", Image.merge("LA", [Image.fromarray(drawn()), Image.new("L", (40, 30), 9)])),
    ],
)
def test_values_of_8_and_16_bits_and_gray_images_are_read(tmp_path, name, image):
    picture = load(tmp_path, image, name)
    np.testing.assert_array_equal(picture.classes, drawn())
    assert (picture.downsample, picture.unlabelled.any()) == ((10.0, 10.0), False)


def test_of_a_palette_the_indices_count(tmp_path):
    image = Image.fromarray(drawn(), mode="P")
    image.putpalette([7, 7, 7, 200, 0, 0, 0, 0, 200])
    np.testing.assert_array_equal(load(tmp_path, image).classes, drawn())


def test_one_bit_is_0_and_1(tmp_path):
    picture = load(tmp_path, Image.fromarray(drawn() == 1))
    np.testing.assert_array_equal(picture.classes, drawn() == 1)


def test_jpeg_is_read_by_ranges(tmp_path):
    values = np.where(drawn() == 1, 255, 0).astype(np.uint8)
    picture = load(tmp_path, values, "m.jpg", **{"0-127": "normal", "128-255": "tumour"})
    with Image.open(tmp_path / "m.jpg") as image:
        np.testing.assert_array_equal(picture.classes, np.asarray(image) > 127)
    with pytest.raises(
        SlideError, match=r"m.jpg: the values .* and \d+ more have no class; .*\"128-255\": tum"
    ):
        load(tmp_path, values, "m.jpg", **{"0": "normal", "255": "tumour"})


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full((30, 40), 3, np.uint8), r"m.png: the values 3 \(1200 px\) have no class; each needs a line"),
        (np.zeros((40, 40), np.uint8), "40 x 40 px do not cover a slide of 400 x 300 px"),
        (np.dstack([drawn(), drawn(), drawn() * 9]), "m.png is coloured; a picture of classes has one band"),
    ],
)
def test_what_is_no_picture_of_classes_is_refused(tmp_path, image, words):
    with pytest.raises(SlideError, match=words):
        load(tmp_path, image)


def test_fractions_and_files_that_are_no_image_are_refused_without_their_folder(tmp_path):
    with pytest.raises(SlideError, match="holds fractions"):
        load(tmp_path, drawn().astype(np.float32), "m.tif")
    (tmp_path / "f.png").write_text("no")
    with pytest.raises(SlideError, match=r"f.png is no image") as caught:
        load_class_picture(tmp_path / "f.png", SLIDE, RECIPE)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("size", [(40, 30), (119, 89), (201, 151), (37, 28)])
@pytest.mark.parametrize("extent", [7.3, 64.0])
def test_coverage_is_the_exact_area_of_the_pixels(tmp_path, size, extent):
    rng = np.random.default_rng(size[0])
    values = rng.integers(0, 3, (size[1], size[0]), dtype=np.uint8)
    picture = load(tmp_path, values, **{"0": "normal", "1": "tumour", "2": "ignore"})
    corners = [(0.0, 0.0), *rng.uniform(0, 290, (6, 2)).tolist(), (395.0, 290.0)]
    covered, without = picture.coverage(positions(*corners, extent=extent), 3)
    rows, columns = np.nonzero(values < 9)
    scale = picture.downsample[0]
    pixels = shapely.box(columns * scale, rows * scale, (columns + 1) * scale, (rows + 1) * scale)
    for (x, y), own, none in zip(corners, covered, without, strict=True):
        parts = shapely.area(shapely.intersection(pixels, shapely.box(x, y, x + extent, y + extent)))
        by_value = np.bincount(values.ravel(), weights=parts, minlength=3) / extent**2
        np.testing.assert_allclose([*own, none], [by_value[1], 0, by_value[2]], atol=1e-9)


def test_areas_on_the_slide_and_on_tissue(tmp_path):
    picture = load(tmp_path, drawn())
    mask = np.zeros((30, 40), dtype=bool)
    mask[:, :25] = True
    area = TissueArea(Tissue(mask, 10.0, 10.0, pixel_um2=1.0, threshold=0.1))
    assert [picture.area_px(1), picture.area_px(2)] == [5000, 100]
    assert [picture.tissue_px(1, area), picture.tissue_px(2, area)] == [2500, 100]
