import zipfile

import numpy as np
import pytest
from PIL import Image

from tasks.slides.errors import SlideError
from tasks.slides.tile_lists.images import archived_digests, image_pixels, image_size, plain_files
from tests._support.tile_images import png, tile_pixels, write_tiles


def test_pixels_and_size_of_a_file_and_of_an_entry_are_those_that_were_written(tmp_path):
    write_tiles(tmp_path)
    write_tiles(tmp_path, archive=True, name="b.csv")
    for image in ("t2.png", "tiles.zip/inner/t2.png"):
        np.testing.assert_array_equal(image_pixels(tmp_path, image), tile_pixels(2))
        assert image_size(tmp_path, image) == (16, 16)


def test_transparency_is_white(tmp_path):
    Image.fromarray(np.zeros((2, 2, 4), np.uint8), "RGBA").save(tmp_path / "a.png")
    assert (image_pixels(tmp_path, "a.png") == 255).all()


def test_sixteen_bits_a_channel_are_refused(tmp_path):
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(tmp_path / "a.png")
    with pytest.raises(SlideError, match="8 bits a channel are needed"):
        image_pixels(tmp_path, "a.png")


def test_the_digest_of_an_entry_is_that_of_the_archives_directory(tmp_path):
    write_tiles(tmp_path, archive=True)
    with zipfile.ZipFile(tmp_path / "tiles.zip") as file:
        info = file.getinfo("inner/t0.png")
    found = archived_digests(tmp_path, ["tiles.zip/inner/t0.png", "tiles.zip/inner/t0.png"])
    assert found == [("tiles.zip/inner/t0.png", f"{info.CRC:08x}:{info.file_size}")]
    assert plain_files(tmp_path, ["tiles.zip/inner/t0.png"]) == []


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.png").write_bytes(png(tile_pixels(0)))
    (tmp_path / "in" / "a.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(SlideError, match="leads out of the folder of the list"):
        plain_files(tmp_path / "in", ["a.png"])


def test_what_is_absent_or_broken_is_said_without_the_folder(tmp_path):
    write_tiles(tmp_path, archive=True)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "text.zip").write_text("no archive")
    whole = png(tile_pixels(0))
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    for image, said in {
        "b.png": "there is no image 'b.png'",
        "tiles.zip/t0.png": "archive tiles.zip has no entry 't0.png'",
        "text.png": "text.png is no image that can be read",
        "text.zip/a.png": "text.zip is no zip archive that can be read",
        "cut.png": "cut.png cannot be decoded",
    }.items():
        with pytest.raises(SlideError, match=said) as caught:
            image_pixels(tmp_path, image)
        assert str(tmp_path) not in str(caught.value)
