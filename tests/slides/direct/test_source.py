"""Every layout: each region, at any position and on any level, has OpenSlide's bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.slides.direct.directory import find_layout
from tasks.slides.direct.source import DirectSource
from tasks.slides.level_region import LevelRegion
from tasks.slides.openslide_source import OpenSlideSource
from tests._support.real_data import real_data
from tests._support.tiled_files import aperio, halves, jpeg, jpeg2000, philips, picture, write_tiled


def of_ycbcr(tile):
    return jpeg2000(np.asarray(Image.fromarray(tile).convert("YCbCr")))


def progressive(tile):
    stream = io.BytesIO()
    Image.fromarray(tile).save(stream, "jpeg", quality=80, progressive=True)
    return stream.getvalue()


LAYOUTS = {
    "jpeg 4:2:0": {"subsampling": (2, 2)},
    "jpeg 4:2:2": {"subsampling": (2, 1)},
    "jpeg 4:4:4": {"subsampling": (1, 1)},
    "jpeg RGB": {"compressionargs": {"outcolorspace": "rgb"}},
    "jpeg, missing tiles": {"encode": jpeg, "missing": (0, 3, 7, 8, 23)},
    "BigTIFF": {"bigtiff": True},
    "SubIFDs": {"subifds": True},
    "none": {"compression": None},
    "lzw": {"compression": "lzw"},
    "lzw, predictor": {"compression": "lzw", "predictor": 2},
    "deflate": {"compression": "deflate"},
    "deflate, predictor": {"compression": "adobe_deflate", "predictor": 2},
    "zstd": {"compression": "zstd"},
    "Aperio, jpeg": {"description": aperio(700, 500)},
    "Aperio, jpeg 2000 RGB": {"encode": jpeg2000, "compression": 33005, "description": aperio(700, 500)},
    "Aperio, jpeg 2000 YCbCr": {"encode": of_ycbcr, "compression": 33003, "description": aperio(700, 500)},
}


def written(tmp_path, name, odd):
    settings = dict(LAYOUTS[name])
    return write_tiled(tmp_path / "slide.tif", halves(picture(), 2, odd), **settings)


def opened(path):
    openslide = OpenSlideSource(path)
    facts = openslide.facts()
    return openslide, DirectSource(path, find_layout(path, facts, range(len(facts.level_sizes)))), facts


def differing(openslide, direct, facts, count=25, seed=0):
    """Return regions that differ, of random ones and of those at the edges, on all levels."""
    rng = np.random.default_rng(seed)
    wrong = []
    for level in range(len(facts.level_sizes)):
        for number in range(count):
            width, height = (int(v) for v in rng.integers(1, 300, 2))
            x, y = (int(rng.integers(0, side + 40)) for side in facts.size)
            if number % 3 == 0:
                x = max(0, facts.size[0] - int(rng.integers(0, 200)))
            if number % 3 == 1:
                y = max(0, facts.size[1] - int(rng.integers(0, 200)))
            region = LevelRegion(x, y, level, width, height)
            if not np.array_equal(openslide.region(region), direct.region(region)):
                wrong.append(region)
    return wrong


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_region_has_the_bytes_of_openslide(tmp_path, name, odd):
    openslide, direct, facts = opened(written(tmp_path, name, odd))
    assert differing(openslide, direct, facts) == []


def test_philips_levels_that_are_filled_up_have_the_bytes_of_openslide(tmp_path):
    levels = [
        np.pad(each, ((0, -each.shape[0] % 128), (0, -each.shape[1] % 128), (0, 0)), constant_values=255)
        for each in halves(picture(), 2)
    ]
    path = write_tiled(
        tmp_path / "slide.tiff", levels, description=philips([(0, 0)] * 3), software="Philips DP v1.0"
    )
    openslide, direct, facts = opened(path)
    assert facts.vendor == "philips"
    assert differing(openslide, direct, facts) == []


@pytest.mark.parametrize(
    "downsample_of", [(349, 250), (348, 249), (333, 241), (175, 125), (171, 123), (699, 499)]
)
def test_positions_between_pixels_have_the_bytes_of_openslide(tmp_path, downsample_of):
    levels = [picture(), np.asarray(Image.fromarray(picture()).resize(downsample_of))]
    openslide, direct, facts = opened(write_tiled(tmp_path / "slide.tif", levels, compression="deflate"))
    downsample = facts.level_downsamples[1]
    for x in range(60):
        region = LevelRegion(x, 61 - x, 1, 140, 7)
        if x % 7 == 0:
            region = LevelRegion(round(x * downsample), 3 * x, 1, 7, 140)
        assert np.array_equal(openslide.region(region), direct.region(region)), (x / downsample, region)


def test_a_region_of_more_than_4096_pixels_has_the_bytes_of_openslide(tmp_path):
    levels = [picture(9001, 40), np.asarray(Image.fromarray(picture(9001, 40)).resize((4497, 20)))]
    openslide, direct, _ = opened(write_tiled(tmp_path / "slide.tif", levels, compression="deflate"))
    for region in (LevelRegion(3, 0, 0, 8990, 40), LevelRegion(5, 3, 1, 4490, 17)):
        assert np.array_equal(openslide.region(region), direct.region(region))


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "her2st/slides/HER2ST_B4.tiff", "her2st/slides/HER2ST_C2.tiff", "formats/CMU-1-Small-Region.svs",
        "camelyon16_tma/slides/cam16_106_01.tiff", "camelyon16_tma/slides/cam16_109_06.tiff",
        "hard/bogus_mpp_352.tiff", "hard/tiny_16px.svs",
    ],
)  # fmt: skip
def test_a_region_of_a_real_slide_has_the_bytes_of_openslide(name):
    openslide, direct, facts = opened(real_data(name))
    assert differing(openslide, direct, facts, count=12) == []


def test_blocks_bring_together_what_shares_source_tiles_and_stay_small(tmp_path, monkeypatch):
    path = write_tiled(tmp_path / "slide.tif", halves(picture(1400, 1000), 0))
    _, direct, _ = opened(path)
    monkeypatch.setattr("tasks.slides.direct.source.BLOCK_BYTES", 20 * 128 * 128 * 3)
    rng = np.random.default_rng(0)
    wanted = [LevelRegion(int(x), int(y), 0, 64, 64) for x, y in rng.integers(0, 930, (200, 2))]
    seen = []
    for block, tiles in direct.blocks(wanted):
        seen += block
        assert len(tiles) <= 20
        for index in block:
            assert direct.painted(wanted[index], tiles).shape == (64, 64, 3)
    assert sorted(seen) == list(range(200))


def test_a_progressive_jpeg_is_left_to_openslide(tmp_path):
    """It has several scans, and whether one is damaged cannot be told from its markers."""
    from tasks.slides.direct.decode import TileError

    path = write_tiled(tmp_path / "slide.tif", halves(picture(), 0), encode=progressive)
    _, direct, _ = opened(path)
    with pytest.raises(TileError, match="looks damaged"):
        direct.region(LevelRegion(0, 0, 0, 10, 10))
