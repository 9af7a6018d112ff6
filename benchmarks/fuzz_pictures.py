"""The doors of pictures: masks, tile images in folders and archives, and the tables that list them."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.fuzz_doors import Door, Files
from flows.input_hashes import InputHashes
from tasks.interchange.tile_tables import TileTableJob, write_tile_lists
from tasks.slides.tile_lists.reader import open_tile_list
from tasks.tiling.masks import open_picture


def _pixels(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 255, (side, side, 3), dtype=np.uint8)


def _masks() -> tuple[Files, ...]:
    found = []
    for mode in ("L", "RGB", "P", "1"):
        stream = io.BytesIO()
        Image.fromarray(_pixels(40)).convert(mode).save(stream, "PNG")
        found.append({"m.png": stream.getvalue()})
    return tuple(found)


def _png(side: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(_pixels(side)).save(stream, "PNG")
    return stream.getvalue()


def _tile_list() -> Files:
    text = b"image,x,y,width,height,label\nt0.png,0,0,16,16,a\nsub/t1.png,16,0,16,16,\n"
    return {"l.csv": text, "t0.png": _png(16), "sub/t1.png": _png(16)}


def _archive() -> Files:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/t0.png", _png(16))
        archive.writestr("in/t1.png", _png(16))
    text = b"image,x,y,width,height,label\nz.zip/in/t0.png,0,0,16,16,a\nz.zip/in/t1.png,16,0,16,16,\n"
    return {"z.zip": stream.getvalue(), "l.csv": text}


def _list(folder: Path) -> None:
    with open_tile_list(folder / "l.csv", 0.5, 64) as slide:
        slide.read_tiles([0.0, 16.0], [0.0, 0.0], 16.0, 16)
    InputHashes(folder / "home").contents([folder / "l.csv"])
    InputHashes(folder / "home").facts([folder / "l.csv"])


def _table() -> Files:
    text = b"image,slide,patient,x,y,label,split\nt0.png,a,p,0,0,x,train\nt1.png,b,q,16,0,y,test\n"
    return {"t.csv": text, "t0.png": _png(16), "t1.png": _png(16)}


def _tile_table(folder: Path) -> None:
    write_tile_lists(TileTableJob(folder / "t.csv", folder, folder, 0.5))


DOORS = {
    "mask": Door(_masks(), lambda f: open_picture(f / "m.png"), text=False),
    "tile list": Door((_tile_list(),), _list),
    "zip": Door((_archive(),), _list, text=False),
    "tile table": Door((_table(),), _tile_table),
}
