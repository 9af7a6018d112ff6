"""Why OpenSlide refuses a TIFF file that others can read, and how to convert it."""

from pathlib import Path

import tifffile

_COMPRESSIONS = {
    34925: "LZMA",
    34927: "WebP", 50001: "WebP",
    50002: "JPEG XL", 52546: "JPEG XL",
    33004: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000",
    50000: "Zstandard", 34926: "Zstandard",
    22610: "JPEG XR", 34934: "JPEG XR",
    34887: "LERC",
}  # fmt: skip

_VIPS = "vips tiffsave IN OUT.tif --tile --pyramid --compression jpeg --Q 90 --bigtiff"
_BFCONVERT = "bfconvert -tilex 256 -tiley 256 -pyramid-resolutions 5 -pyramid-scale 2 IN OUT.ome.tiff"


def why_refused(path: Path) -> str:
    """Return what follows OpenSlide's message about a TIFF file; "" for other files.

    Only the first directory is read, and of it only how pixels are stored.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            return _sentence(page, len(tiff.pages))
    except (tifffile.TiffFileError, ValueError, KeyError, IndexError, RuntimeError, AttributeError):
        return ""


def _sentence(page: tifffile.TiffPage, pages: int) -> str:
    compression = int(page.compression)
    if page.samplesperpixel == 1 and pages > 1 and page.is_ome:
        reason, how = "each channel is an image of its own (one plane per channel)", _BFCONVERT
    elif not page.is_tiled:
        reason, how = "its pixels lie in strips, not in tiles", _VIPS
    elif compression in _COMPRESSIONS:
        reason, how = f"its compression is {_COMPRESSIONS[compression]} (TIFF code {compression})", _VIPS
    elif page.sampleformat not in (1, None):
        reason, how = "its samples are no whole numbers", f"{_VIPS} after vips cast to uchar"
    elif page.bitspersample != 8:
        reason, how = f"its samples have {page.bitspersample} bits", f"{_VIPS} --bitdepth 8"
    elif page.samplesperpixel == 1:
        reason, how = "it has one grey channel", f"{_VIPS} after vips colourspace to srgb"
    else:
        return ""
    return f". The reason is in the file: {reason}. Convert it, for example with `{how}`"
