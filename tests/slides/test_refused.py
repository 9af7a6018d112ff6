"""Files that OpenSlide refuses or misreads: the sentence names the reason and a way on."""

import numpy as np
import pytest
import tifffile

from tasks.slides.errors import SlideError
from tasks.slides.first_look import look
from tests._support.tiled_files import MPP, picture


def written(path, pixels, ome=False, **settings):
    with tifffile.TiffWriter(path, ome=ome) as writer:
        writer.write(
            pixels,
            metadata=None if not ome else {"axes": "CYX" if pixels.shape[0] == 3 else "YXS"},
            **{"photometric": "rgb", "tile": (128, 128), **settings},
            resolution=(1e4 / MPP,) * 2,
            resolutionunit="CENTIMETER",
        )
    return path


COLOUR = picture(400, 300)
OPENSLIDE_REFUSES = {
    "strips": (
        COLOUR,
        {"tile": None, "compression": "deflate", "rowsperstrip": 16},
        "in strips, not in tiles",
    ),
    "one strip": (COLOUR, {"tile": None}, "in strips, not in tiles"),
    "webp": (COLOUR, {"compression": "webp"}, "compression is WebP (TIFF code 50001)"),
    "jpeg xl": (COLOUR, {"compression": "jpegxl"}, "compression is JPEG XL (TIFF code 50002)"),
    "lzma": (COLOUR, {"compression": "lzma"}, "compression is LZMA (TIFF code 34925)"),
    "jpeg 2000, 33003": (COLOUR, {"compression": 33003}, "compression is JPEG 2000 (TIFF code 33003)"),
    "jpeg 2000, 33005": (COLOUR, {"compression": 33005}, "compression is JPEG 2000 (TIFF code 33005)"),
    "jpeg 2000, 34712": (COLOUR, {"compression": 34712}, "compression is JPEG 2000 (TIFF code 34712)"),
    "jpeg xr": (COLOUR, {"compression": "jpegxr"}, "compression is JPEG XR"),
    "png": (COLOUR, {"compression": "png"}, "compression is PNG"),
}
MISREAD = {
    "grey": (COLOUR[..., 0], {"photometric": "minisblack"}, "one grey channel"),
    "grey, inverted": (COLOUR[..., 0], {"photometric": "miniswhite"}, "one grey channel"),
    "float": (COLOUR.astype(np.float32) / 255, {"compression": "deflate"}, "fractions of 32 bits"),
    "12 in 16 bits": (COLOUR.astype(np.uint16) << 4, {"compression": "deflate"}, "at most 12 are used"),
    "10 in 16 bits": (COLOUR.astype(np.uint16) << 2, {"compression": "deflate"}, "at most 10 are used"),
    "14 in 16 bits": (COLOUR.astype(np.uint16) << 6, {"compression": "deflate"}, "at most 14 are used"),
}


@pytest.mark.parametrize("name", OPENSLIDE_REFUSES)
def test_what_openslide_refuses_has_a_reason_and_a_way_on(tmp_path, name):
    pixels, settings, words = OPENSLIDE_REFUSES[name]
    with pytest.raises(SlideError) as caught:
        look(written(tmp_path / "it.tif", pixels, **settings))
    said = str(caught.value)
    assert said.startswith("it.tif: OpenSlide cannot open it: ")
    assert words in said
    assert "vips tiffsave IN OUT.tif --tile --pyramid" in said


@pytest.mark.parametrize("name", MISREAD)
def test_what_openslide_opens_and_misreads_is_refused(tmp_path, name):
    pixels, settings, words = MISREAD[name]
    with pytest.raises(SlideError) as caught:
        look(written(tmp_path / "it.tif", pixels, **settings))
    said = str(caught.value)
    assert said.startswith("it.tif: its colours cannot be read: ")
    assert words in said
    assert "vips" in said


def test_one_plane_per_channel_is_refused_with_the_way_of_bio_formats(tmp_path):
    planes = np.moveaxis(COLOUR, 2, 0)
    with pytest.raises(SlideError, match=r"one plane per channel.*bfconvert"):
        look(written(tmp_path / "it.ome.tif", planes, ome=True, photometric="minisblack"))


@pytest.mark.parametrize(
    ("pixels", "settings"),
    [
        (COLOUR.astype(np.uint16) * 257, {"compression": "deflate"}),
        (np.dstack([COLOUR, np.full(COLOUR.shape[:2], 255, np.uint8)]), {"extrasamples": ["unassalpha"]}),
        (COLOUR, {"compression": "packbits"}),
        (np.moveaxis(COLOUR, 2, 0), {"planarconfig": "separate"}),
    ],
)
def test_what_openslide_reads_right_stays_readable(tmp_path, pixels, settings):
    assert look(written(tmp_path / "it.tif", pixels, **settings)).name == "openslide"
