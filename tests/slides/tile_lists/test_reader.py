import pickle

import numpy as np
import pytest
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.opening import Opening
from tasks.slides.tile_lists.reader import TileListReader, open_tile_list
from tests._support.tile_images import CORNERS, png, tile_pixels, write_list, write_tiles


@pytest.fixture
def pasted():
    """The slide, put together in another way."""
    page = np.full((80, 64, 3), 255, np.uint8)
    for number, (x, y) in enumerate(CORNERS):
        page[y : y + 16, x : x + 16] = tile_pixels(number)
    return page


@pytest.mark.parametrize("archive", [False, True])
def test_a_list_is_a_slide_of_its_tiles_on_white(tmp_path, pasted, archive):
    row = write_tiles(tmp_path, archive=archive)
    with Opening.of(row, tmp_path).open() as slide:
        assert isinstance(slide, TileListReader)
        assert (slide.geometry.width_level0, slide.geometry.height_level0) == (64, 80)
        assert (slide.geometry.mpp, slide.geometry.mpp_source, slide.choice.name) == (4.0, "manifest", "list")
        np.testing.assert_array_equal(slide.thumbnail(), pasted)
        np.testing.assert_array_equal(slide.read(8, 4, 24, 24), pasted[4:28, 8:32])
        beyond = slide.read(-8, -8, 24, 24)
        np.testing.assert_array_equal(beyond[8:, 8:], pasted[:16, :16])
        assert (beyond[:8] == 255).all()


def test_a_tile_is_its_image_whatever_overlaps_it(tmp_path):
    for number in range(2):
        (tmp_path / f"t{number}.png").write_bytes(png(tile_pixels(number)))
    write_list(tmp_path, [("t0.png", 0, 0, 16, 16, ""), ("t1.png", 8, 0, 16, 16, "")])
    with open_tile_list(tmp_path / "a.csv", 4.0) as slide:
        tiles, reasons = slide.read_tiles([0, 8], [0, 0], 16, 16)
        assert reasons == ["", ""]
        np.testing.assert_array_equal(tiles, [tile_pixels(0), tile_pixels(1)])
        # As part of the slide, the later of the list is seen.
        np.testing.assert_array_equal(slide.thumbnail()[:16, 8:24], tile_pixels(1))


@pytest.mark.parametrize("resample", ["lanczos", "area"])
def test_neighbours_have_no_part_in_the_resampling_of_a_tile(tmp_path, resample):
    row = write_tiles(tmp_path)
    with Opening.of(row, tmp_path, resample).open() as slide:
        read = slide.read(16, 0, 16, 8)
    alone = Image.fromarray(tile_pixels(1))
    other = Image.Resampling.LANCZOS if resample == "lanczos" else Image.Resampling.BOX
    expected = np.asarray(alone.resize((8, 8), other))
    np.testing.assert_allclose(read.astype(int), expected.astype(int), atol=1)


def test_a_box_is_that_part_of_its_image(tmp_path):
    whole = tile_pixels(0, 32, 24)
    (tmp_path / "core.png").write_bytes(png(whole))
    columns = "image,x,y,width,height,label,left,top"
    rows = [("core.png", x, y, 8, 8, "", x, y) for y in (0, 8, 16) for x in (0, 8, 16, 24)]
    write_list(tmp_path, rows, columns=columns)
    with open_tile_list(tmp_path / "a.csv", 1.0) as slide:
        np.testing.assert_array_equal(slide.read(24, 8, 8, 8), whole[8:16, 24:32])
        np.testing.assert_array_equal(slide.thumbnail(), whole)


def test_a_smaller_tile_is_filled_up_with_white(tmp_path):
    for number, (width, height) in enumerate([(16, 16), (16, 16), (16, 10)]):
        (tmp_path / f"t{number}.png").write_bytes(png(tile_pixels(number, width, height)))
    rows = [(f"t{i}.png", 16 * i, 0, 16, 10 if i == 2 else 16, "") for i in range(3)]
    write_list(tmp_path, rows)
    with open_tile_list(tmp_path / "a.csv", 4.0) as slide:
        read = slide.read(32, 0, 16, 16)
    np.testing.assert_array_equal(read[:10], tile_pixels(2, 16, 10))
    assert (read[10:] == 255).all()


def test_an_image_of_another_size_than_the_list_says_is_one_failed_tile(tmp_path):
    row = write_tiles(tmp_path)
    (tmp_path / "t1.png").write_bytes(png(tile_pixels(1, 16, 12)))
    with Opening.of(row, tmp_path).open() as slide:
        tiles, reasons = slide.read_tiles(*np.array(CORNERS).T, 16, 16)
    assert reasons == ["", "t1.png has 16 x 12 px, and the list says 16 x 16", "", ""]
    assert (tiles[1] == 255).all()
    np.testing.assert_array_equal(tiles[3], tile_pixels(3))


def test_a_box_that_leaves_its_image_is_refused(tmp_path):
    (tmp_path / "t0.png").write_bytes(png(tile_pixels(0)))
    write_list(
        tmp_path, [("t0.png", 0, 0, 16, 16, "", 1, 0)], columns="image,x,y,width,height,label,left,top"
    )
    with (
        open_tile_list(tmp_path / "a.csv", 4.0) as slide,
        pytest.raises(SlideError, match=r"at \(1, 0\) leaves t0"),
    ):
        slide.read(0, 0, 16, 16)


def test_the_reader_pickles_and_an_unstated_resolution_is_refused(tmp_path):
    row = write_tiles(tmp_path)
    with Opening.of(row, tmp_path).open() as slide, pickle.loads(pickle.dumps(slide)) as copy:
        np.testing.assert_array_equal(copy.read(48, 32, 16, 16), tile_pixels(2))
    with pytest.raises(SlideError, match="the manifest has no mpp"):
        open_tile_list(tmp_path / "a.csv", None)
