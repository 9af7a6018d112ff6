"""A damaged source tile is found, or decoded as OpenSlide decodes it."""

import numpy as np
import openslide
import pytest
import tifffile

from tasks.slides.direct.decode import TileError, decode
from tasks.slides.direct.directory import find_layout
from tasks.slides.openslide_source import OpenSlideSource
from tests._support.tiled_files import TILE, aperio, halves, jpeg2000, picture, write_tiled


def layout_and_bytes(path):
    layout = find_layout(path, OpenSlideSource(path).facts(), (0,))
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        return layout.levels[0], page.dataoffsets[1], page.databytecounts[1]


def by_openslide(path):
    with openslide.OpenSlide(path) as slide:
        try:
            return np.asarray(slide.read_region((TILE, 0), 0, (TILE, TILE)))[..., :3]
        except openslide.OpenSlideError:
            return None


@pytest.mark.parametrize("damage", ["zeros", "ones", "noise"])
@pytest.mark.parametrize("subsampling", [(2, 2), (1, 1)])
def test_what_openslide_takes_for_damaged_is_found(tmp_path, damage, subsampling):
    path = write_tiled(tmp_path / "slide.tif", halves(picture(), 0), subsampling=subsampling)
    level, offset, count = layout_and_bytes(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    damaged = missed = 0
    for _ in range(40):
        length = int(rng.choice([64, 512, 1024]))
        start = offset + int(rng.integers(700, count - length))
        content = {"zeros": bytes(length), "ones": b"\xff" * length, "noise": rng.bytes(length)}[damage]
        data = whole[:start] + content + whole[start + length :]
        path.write_bytes(data)
        expected = by_openslide(path)
        damaged += expected is None
        try:
            pixels = decode(data[offset : offset + count], level, None)
        except TileError:
            continue
        if expected is None:
            missed += 1
        else:
            np.testing.assert_array_equal(pixels, expected)
    # A stream that ends within its last block leaves no sign; docs/whole_slides.md says so.
    assert missed <= 0.12 * damaged + 1


def test_a_cut_tile_is_found(tmp_path):
    path = write_tiled(tmp_path / "slide.tif", halves(picture(), 0))
    level, offset, count = layout_and_bytes(path)
    data = path.read_bytes()[offset : offset + count]
    decode(data, level, None)
    for kept in (0, 1, 100, count // 2, count - 2, count - 1):
        with pytest.raises(TileError):
            decode(data[:kept], level, None)


def test_a_tile_of_another_size_is_refused(tmp_path):
    path = write_tiled(tmp_path / "slide.tif", halves(picture(), 0))
    level, offset, count = layout_and_bytes(path)
    data = path.read_bytes()[offset : offset + count]
    with pytest.raises(TileError, match="decodes to"):
        decode(data, level.model_copy(update={"tile_width": 64}), None)


@pytest.mark.parametrize("settings", [{"compression": "deflate"}, {"compression": "lzw"}])
def test_damaged_lossless_tiles_are_found(tmp_path, settings):
    path = write_tiled(tmp_path / "slide.tif", halves(picture(), 0), **settings)
    level, offset, count = layout_and_bytes(path)
    data = path.read_bytes()[offset : offset + count]
    decode(data, level, None)
    with pytest.raises(TileError):
        decode(data[: count // 2], level, None)


def test_a_damaged_jpeg_2000_tile_is_found(tmp_path):
    settings = {"encode": jpeg2000, "compression": 33005, "description": aperio(700, 500)}
    path = write_tiled(tmp_path / "slide.svs", halves(picture(), 0), **settings)
    level, offset, count = layout_and_bytes(path)
    data = path.read_bytes()[offset : offset + count]
    decode(data, level, None)
    with pytest.raises(TileError):
        decode(b"\0" * 100 + data[100:], level, None)
