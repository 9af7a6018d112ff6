"""Tile images of one slide whose every pixel is known, in a folder or an archive, with their list."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.slides.row import SlideRow

SIDE = 16
CORNERS = ((0, 0), (16, 0), (48, 32), (16, 64))
"""Two neighbours, and two tiles that lie alone."""

LABELS = ("normal", "tumour", "", "tumour")


def tile_pixels(number: int, width: int = SIDE, height: int = SIDE) -> np.ndarray:
    """Return uint8 [height, width, 3], another picture for each number."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """Return the bytes of a PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write_list(root: Path, rows: list[tuple], name: str = "a.csv", columns: str = "") -> SlideRow:
    """Write a list of (image, x, y, width, height, label) and return the row of its slide."""
    lines = [columns or "image,x,y,width,height,label", *(",".join(map(str, row)) for row in rows)]
    (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    slide = name.removesuffix(".csv")
    return SlideRow(slide_id=slide, patient_id=f"p_{slide}", path=name, split="train", mpp=4.0)


def write_tiles(root: Path, *, archive: bool = False, name: str = "a.csv") -> SlideRow:
    """Write four tiles and their list."""
    images = {f"t{i}.png": png(tile_pixels(i)) for i in range(len(CORNERS))}
    if archive:
        with zipfile.ZipFile(root / "tiles.zip", "w") as file:
            for image, data in images.items():
                file.writestr(f"inner/{image}", data)
        prefix = "tiles.zip/inner/"
    else:
        for image, data in images.items():
            (root / image).write_bytes(data)
        prefix = ""
    rows = [
        (f"{prefix}t{i}.png", x, y, SIDE, SIDE, label)
        for i, ((x, y), label) in enumerate(zip(CORNERS, LABELS, strict=True))
    ]
    return write_list(root, rows, name)
