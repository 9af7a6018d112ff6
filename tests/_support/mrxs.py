"""A small MRXS slide that OpenSlide opens: Slidedat.ini, Index.dat and one data file in a folder."""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

TILE = 64

SLIDEDAT = """[GENERAL]
SLIDE_ID = {slide}
IMAGENUMBER_X = {across}
IMAGENUMBER_Y = {down}
OBJECTIVE_MAGNIFICATION = 20
CameraImageDivisionsPerSide = 1

[HIERARCHICAL]
HIER_COUNT = 1
HIER_0_NAME = Slide zoom level
HIER_0_COUNT = 1
HIER_0_VAL_0 = ZoomLevel_0
HIER_0_VAL_0_SECTION = LAYER_0_LEVEL_0_SECTION
NONHIER_COUNT = 0
INDEXFILE = Index.dat

[DATAFILE]
FILE_COUNT = 1
FILE_0 = Data0000.dat

[LAYER_0_LEVEL_0_SECTION]
OVERLAP_X = 0
OVERLAP_Y = 0
MICROMETER_PER_PIXEL_X = {mpp}
MICROMETER_PER_PIXEL_Y = {mpp}
IMAGE_FORMAT = JPEG
IMAGE_FILL_COLOR_BGR = 16777215
DIGITIZER_WIDTH = {tile}
DIGITIZER_HEIGHT = {tile}
IMAGE_CONCAT_FACTOR = 0
"""


def write_mrxs(path: Path, pixels: np.ndarray, slide: str = "A" * 32, mpp: float = 0.5) -> Path:
    """Write uint8 [h, w, 3], whole tiles of 64 pixels, as ``path`` and the folder of the same name."""
    down, across = pixels.shape[0] // TILE, pixels.shape[1] // TILE
    folder = path.with_suffix("")
    folder.mkdir()
    path.write_bytes(b"")
    (folder / "Slidedat.ini").write_text(
        SLIDEDAT.format(slide=slide, across=across, down=down, mpp=mpp, tile=TILE), encoding="utf-8"
    )
    data, entries = b"\0" * 16, []
    for row in range(down):
        for column in range(across):
            square = pixels[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            stream = io.BytesIO()
            Image.fromarray(square).save(stream, "JPEG", quality=95)
            entries.append(struct.pack("<4i", row * across + column, len(data), len(stream.getvalue()), 0))
            data += stream.getvalue()
    (folder / "Data0000.dat").write_bytes(data)
    head = b"01.02" + slide.encode()
    root = len(head)
    levels = root + 8  # after the two roots
    first = levels + 4  # after the pointer of the one level
    page = first + 8  # after its leading zero and its pointer
    (folder / "Index.dat").write_bytes(
        head
        + struct.pack("<2i", levels, 0)
        + struct.pack("<i", first)
        + struct.pack("<2i", 0, page)
        + struct.pack("<2i", len(entries), 0)
        + b"".join(entries)
    )
    return path
