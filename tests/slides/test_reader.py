import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openslide
import pytest

from tasks.slides.choice import ReaderChoice
from tasks.slides.direct import source_tiles
from tasks.slides.errors import SlideError
from tasks.slides.first_look import look
from tasks.slides.reader import open_slide
from tests._support.real_data import real_data
from tests._support.slide_files import break_tile, noise, write_slide
from tests._support.tiled_files import halves, picture, write_tiled


@pytest.fixture
def slide_file(tmp_path):
    return write_slide(tmp_path / "slide.tiff", noise(512, 384), ((256, 192),), mpp=0.5)


def test_the_geometry_is_that_of_the_file(slide_file):
    with open_slide(slide_file, None, thumbnail_px=100) as slide:
        geometry = slide.geometry
    assert (geometry.width_level0, geometry.height_level0) == (512, 384)
    assert geometry.mpp == geometry.mpp_y == pytest.approx(0.5)
    assert geometry.mpp_source == "metadata"
    assert geometry.level_downsamples == (1.0, 2.0)
    assert (geometry.thumbnail_width, geometry.thumbnail_height) == (100, 75)
    assert geometry.thumbnail_downsample_x == 5.12
    assert (geometry.bounds_x, geometry.bounds_y) == (0, 0)
    assert (geometry.bounds_width, geometry.bounds_height) == (512, 384)


def test_level_0_is_copied_byte_for_byte(slide_file):
    with open_slide(slide_file, None) as slide:
        tile = slide.read(101, 57, 96, 96)
    np.testing.assert_array_equal(tile, noise(512, 384)[57:153, 101:197])


def test_the_thumbnail_is_never_larger_than_the_slide(slide_file):
    with open_slide(slide_file, None, thumbnail_px=4096) as slide:
        np.testing.assert_array_equal(slide.thumbnail(), noise(512, 384))
        assert slide.overview(0.01).pixels.shape == (384, 512, 3)


def test_the_manifest_states_what_the_file_does_not(tmp_path):
    path = write_slide(tmp_path / "bare.tiff", noise(256, 256), mpp=None)
    with open_slide(path, 0.7) as slide:
        assert (slide.geometry.mpp, slide.geometry.mpp_source) == (0.7, "manifest")
    with pytest.raises(SlideError, match="manifest has no mpp"):
        open_slide(path, None)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"", "empty"), (b"not a slide", "OpenSlide cannot open it")],
)
def test_a_file_that_is_no_slide_is_refused_by_name(tmp_path, content, words):
    path = tmp_path / "it.svs"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SlideError, match=words) as caught:
        open_slide(path, 0.5)
    assert str(caught.value).startswith("it.svs: ")
    assert str(tmp_path) not in str(caught.value)


def test_a_name_with_spaces_and_accents_opens(tmp_path, slide_file):
    path = slide_file.rename(tmp_path / "präparat nr 7 ü.tiff")
    with open_slide(path, None) as slide:
        assert slide.read(0, 0, 8, 8).shape == (8, 8, 3)


def test_an_error_latches_in_openslide_but_not_in_the_reader(tmp_path):
    path = write_slide(tmp_path / "broken.tiff", noise(512, 384), compression="jpeg")
    break_tile(path, 5)
    with open_slide(path, None) as slide:
        before = slide.read(0, 0, 64, 64)
        for _ in range(2):
            with pytest.raises(
                SlideError, match=r"broken.tiff: the 64 px square at \(140, 140\) cannot be read"
            ):
                slide.read(140, 140, 64, 64)
            np.testing.assert_array_equal(slide.read(0, 0, 64, 64), before)


def test_label_and_macro_images_are_never_opened(slide_file, monkeypatch):
    def refuse(_):
        raise AssertionError("an associated image was opened")

    monkeypatch.setattr(openslide.OpenSlide, "associated_images", property(refuse))
    with open_slide(slide_file, None, choice=look(slide_file)) as slide:
        slide.thumbnail()
        slide.overview(8)
        slide.read(0, 0, 64, 64)


@pytest.fixture(params=["direct", "openslide"])
def many(request, tmp_path):
    """A slide with levels whose scales are not whole, read each way."""
    path = write_tiled(tmp_path / "many.tif", halves(picture(1400, 1000), 2, odd=1))
    choice = look(path)
    if request.param == "openslide":
        choice = choice.model_copy(update={"name": "openslide", "layout": None})
    return path, choice


POSITIONS = [
    (0, 0, 96, 96), (10, 20, 96, 96), (10.5, 20.25, 96, 96), (3, 7, 150.7, 100), (5, 5, 192, 96),
    (100, 60, 401.2, 100), (30, 30, 384, 96), (7, 7, 60, 96),
]  # fmt: skip


@pytest.mark.parametrize("resample", ["lanczos", "area"])
@pytest.mark.parametrize(("x", "y", "extent", "out_px"), POSITIONS)
def test_many_tiles_are_read_as_each_alone_in_any_order(many, x, y, extent, out_px, resample):
    path, choice = many
    left, top = (
        grid.ravel() for grid in np.meshgrid(x + extent * np.arange(-1, 4), y + extent * np.arange(-1, 4))
    )
    order = np.random.default_rng(0).permutation(len(left))
    with open_slide(path, None, choice=choice, resample=resample) as slide:
        tiles, reasons = slide.read_tiles(left[order], top[order], extent, out_px)
        alone = [slide.read(float(left[i]), float(top[i]), extent, out_px) for i in order]
    assert reasons == [""] * len(left)
    np.testing.assert_array_equal(tiles, np.stack(alone))


@pytest.mark.parametrize("resample", ["lanczos", "area"])
def test_both_ways_give_the_same_bytes(tmp_path, resample):
    path = write_tiled(tmp_path / "many.tif", halves(picture(1400, 1000), 2, odd=1))
    choice = look(path)
    other = choice.model_copy(update={"name": "openslide", "layout": None})
    rng = np.random.default_rng(0)
    with (
        open_slide(path, None, choice=choice, resample=resample) as direct,
        open_slide(path, None, choice=other, resample=resample) as by_openslide,
    ):
        assert (direct.choice.name, by_openslide.choice.name) == ("direct", "openslide")
        for extent, out_px in ((96, 96), (150.7, 100), (193, 96), (401.2, 100), (60, 96)):
            x, y = rng.uniform(-50, 1400, 12), rng.uniform(-50, 1000, 12)
            np.testing.assert_array_equal(
                direct.read_tiles(x, y, extent, out_px)[0], by_openslide.read_tiles(x, y, extent, out_px)[0]
            )
        np.testing.assert_array_equal(direct.thumbnail(), by_openslide.thumbnail())
        np.testing.assert_array_equal(direct.overview(4.1).pixels, by_openslide.overview(4.1).pixels)


def test_no_tiles_are_no_tiles(many):
    path, choice = many
    with open_slide(path, None, choice=choice) as slide:
        tiles, reasons = slide.read_tiles([], [], 96, 96)
    assert tiles.shape == (0, 96, 96, 3)
    assert reasons == []


def test_each_source_tile_is_decoded_once_for_many_tiles(tmp_path, monkeypatch):
    path = write_tiled(tmp_path / "many.tif", halves(picture(1400, 1000), 0))
    choice, decoded, original = look(path), [], source_tiles.decode
    monkeypatch.setattr(source_tiles, "decode", lambda *each: decoded.append(1) or original(*each))
    x, y = (grid.ravel() + 7 for grid in np.meshgrid(np.arange(0, 1300, 64), np.arange(0, 900, 64)))
    with open_slide(path, None, choice=choice) as slide:
        slide.read_tiles(x, y, 64, 64)
    assert len(decoded) == 11 * 8


@pytest.mark.parametrize("way", ["direct", "openslide"])
def test_a_tile_that_cannot_be_read_is_white_and_the_others_are_not(tmp_path, way):
    whole = write_tiled(tmp_path / "whole.tif", halves(picture(), 0))
    broken = write_tiled(tmp_path / "broken.tif", halves(picture(), 0))
    break_tile(broken, 7)
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(0, 640, 64.0), np.arange(0, 448, 64.0)))
    choice = look(broken)
    if way == "openslide":
        choice = choice.model_copy(update={"name": way, "layout": None})
    with open_slide(whole, None) as intact, open_slide(broken, None, choice=choice) as slide:
        assert slide.choice.name == way
        expected, _ = intact.read_tiles(x, y, 64, 64)
        tiles, reasons = slide.read_tiles(x, y, 64, 64)
    damaged = [bool(reason) for reason in reasons]
    assert damaged == [128 <= a < 256 and 128 <= b < 256 for a, b in zip(x, y, strict=True)]
    assert (tiles[damaged] == 255).all()
    np.testing.assert_array_equal(tiles[~np.array(damaged)], expected[~np.array(damaged)])
    assert reasons[damaged.index(True)].startswith(
        "broken.tif: the 64 px square at (128, 128) cannot be read: "
    )


def test_what_only_looks_damaged_is_read_by_openslide(tmp_path):
    """A tile that ends in one grey, as libjpeg fills what is missing; OpenSlide says that it is whole."""
    grey = picture()
    grey[128:256, 128:256] = 128
    path = write_tiled(tmp_path / "grey.tif", halves(grey, 0), compressionargs={"outcolorspace": "rgb"})
    plain = write_tiled(tmp_path / "plain.tif", halves(grey, 0), "deflate")
    choice = look(plain)
    with open_slide(path, None) as slide, open_slide(plain, None, choice=choice) as expected:
        tiles, reasons = slide.read_tiles([130.0], [130.0], 96, 96)
        assert reasons == [""]
        assert np.abs(tiles[0].astype(int) - expected.read(130, 130, 96, 96)).max() <= 2


def test_a_stored_choice_is_not_proved_again_and_needs_one_descriptor(tmp_path, monkeypatch):
    path = write_tiled(tmp_path / "many.tif", halves(picture(), 2))
    choice = ReaderChoice.model_validate_json(look(path).model_dump_json())

    def refuse(*_):
        raise AssertionError("the file was looked at again, or opened by OpenSlide")

    monkeypatch.setattr("tasks.slides.reader.choose_reader", refuse)
    monkeypatch.setattr(openslide, "OpenSlide", refuse)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_slide(path, None, choice=choice) as slide:
        slide.read_tiles(np.arange(0.0, 500, 50), np.zeros(10), 64, 64)
        slide.overview(8)
        slide.thumbnail()
        assert len(list(Path("/proc/self/fd").iterdir())) == before + 1
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_reader_is_pickled_as_what_it_was_opened_with(many):
    path, choice = many
    with open_slide(path, None, choice=choice, resample="area") as slide:
        copy = pickle.loads(pickle.dumps(slide))
        with copy:
            assert copy.choice == slide.choice
            np.testing.assert_array_equal(copy.read(3, 7, 150.7, 100), slide.read(3, 7, 150.7, 100))


def test_a_forked_process_reads_on(many):
    path, choice = many
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(0.0, 1200, 64), np.arange(0.0, 900, 64)))
    with open_slide(path, None, choice=choice) as slide:
        expected, _ = slide.read_tiles(x, y, 64, 64)  # starts threads, which a fork does not take along
        read, write = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.write(write, bytes([np.array_equal(slide.read_tiles(x, y, 64, 64)[0], expected)]))
            finally:
                os._exit(0)
        os.close(write)
        assert os.read(read, 1) == b"\x01"
        os.waitpid(child, 0)
        np.testing.assert_array_equal(slide.read_tiles(x, y, 64, 64)[0], expected)


def test_threads_read_from_one_reader(tmp_path):
    path = write_tiled(tmp_path / "many.tif", halves(picture(1400, 1000), 2, odd=1))
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(0.0, 1200, 64), np.arange(0.0, 900, 64)))
    with open_slide(path, None) as slide, ThreadPoolExecutor(6) as threads:
        for extent, out_px in ((64, 64), (192.7, 96)):
            expected, _ = slide.read_tiles(x, y, extent, out_px)
            orders = [np.random.default_rng(seed).permutation(len(x)) for seed in range(12)]
            read = threads.map(lambda o, e=extent, p=out_px: slide.read_tiles(x[o], y[o], e, p)[0], orders)
            for order, tiles in zip(orders, read, strict=True):
                np.testing.assert_array_equal(tiles, expected[order])


@pytest.mark.real_data
def test_tiles_of_a_real_corrupt_slide_fail_as_openslide_says():
    path = real_data("hard/corrupt_middle.svs")
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(0.0, 2220, 240), np.arange(0.0, 3120, 240)))
    choice = look(path)
    other = choice.model_copy(update={"name": "openslide", "layout": None})
    with open_slide(path, None, choice=choice) as direct, open_slide(path, None, choice=other) as slow:
        tiles, reasons = direct.read_tiles(x, y, 240, 240)
        expected, expected_reasons = slow.read_tiles(x, y, 240, 240)
    assert sum(map(bool, reasons)) == 2
    assert reasons == expected_reasons
    np.testing.assert_array_equal(tiles, expected)


@pytest.mark.parametrize("way", ["direct", "openslide"])
def test_a_stored_choice_is_of_one_file(tmp_path, way):
    path = write_tiled(tmp_path / "it.tif", halves(picture(), 1))
    choice = look(path)
    if way == "openslide":
        choice = choice.model_copy(update={"name": way, "layout": None})
    write_tiled(path, halves(picture(600, 400), 1))
    with pytest.raises(SlideError, match=r"^it.tif: .* it is another file, so tile the slide again"):
        open_slide(path, None, choice=choice)
