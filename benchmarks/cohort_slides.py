"""Slides of a simulated cohort: as large as real ones, written in no time, with tissue where it is wanted.

A slide holds a few compressed tiles, one of glass and one of tissue for each level, and a directory of which
lies where. So 100,000 x 100,000 pixels with any number of tissue tiles are a file of two megabytes, which
every reader of tiled TIFF opens. Each level shows the finest one at its scale, as a reader may check: a level
that showed other tissue would be left out, and the whole slide read from the finest.
"""

import io
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

SOURCE_PX = 256
MPP = 0.5
GLASS = (244, 243, 245)
_SHORT, _LONG, _RATIONAL, _ASCII, _LONG8 = 3, 4, 5, 2, 16

Entry = tuple[int, int, int, bytes]
"""Tag, type, number of values, values."""


@dataclass(frozen=True)
class SimulatedSlide:
    """One slide.

    Attributes:
        name: its id; in the file too, so that no two slides have the same bytes.
        side_px: width and height of the finest level.
        blocks: corners (x, y) of the square blocks of tissue, in blocks.
        block_px: side of a block; the coarsest level has tiles of this size.
        steps: level-0 pixels per pixel of each level.
    """

    name: str
    side_px: int
    blocks: tuple[tuple[int, int], ...]
    block_px: int
    steps: tuple[int, ...]

    def write(self, folder: Path) -> None:
        """Write ``<name>.tif`` and ``<name>.geojson``: the left half of each block is tumour."""
        (folder / f"{self.name}.tif").write_bytes(self._tiff())
        rings = [self._left_half(x * self.block_px, y * self.block_px) for x, y in self.blocks]
        features = [
            {
                "type": "Feature",
                "properties": {"objectType": "annotation", "classification": {"name": "tumour"}},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
            for ring in rings
        ]
        text = json.dumps({"type": "FeatureCollection", "features": features})
        (folder / f"{self.name}.geojson").write_text(text, encoding="utf-8")

    def _left_half(self, x: int, y: int) -> list[list[int]]:
        right, bottom = x + self.block_px // 2, y + self.block_px
        return [[x, y], [right, y], [right, bottom], [x, bottom], [x, y]]

    def _tiff(self) -> bytes:
        """Return a BigTIFF: header, all tiles, then per level its two arrays and its directory."""
        finest = _tissue()
        pieces = [_jpeg(_glass()), *(_jpeg(_shrunk(finest, step)) for step in self.steps)]
        sizes = [len(piece) for piece in pieces]
        places = [16 + sum(sizes[:i]) for i in range(len(pieces))]
        body = b"".join(pieces)
        body += b"\0" * (-len(body) % 8)
        links: list[int] = []
        for number, step in enumerate(self.steps, start=1):
            entries = self._entries(step, (places[0], places[number]), (sizes[0], sizes[number]))
            directory, here = _directory(entries, 16 + len(body))
            links.append(here)
            body += directory
        data = bytearray(struct.pack("<2sHHHQ", b"II", 43, 8, 0, links[0]) + body)
        for here, following in zip(links, [*links[1:], 0], strict=True):
            (count,) = struct.unpack_from("<Q", data, here)
            struct.pack_into("<Q", data, here + 8 + 20 * count, following)
        return bytes(data)

    def _entries(self, step: int, places: Sequence[int], sizes: Sequence[int]) -> list[Entry]:
        side = self.side_px // step
        across = -(-side // SOURCE_PX)
        tissue = np.zeros((across, across), np.intp)
        span = self.block_px // step // SOURCE_PX
        for x, y in self.blocks:
            tissue[y * span : (y + 1) * span, x * span : (x + 1) * span] = 1
        offsets, counts = np.asarray(places)[tissue].ravel(), np.asarray(sizes)[tissue].ravel()
        name = self.name.encode() + b"\0"
        per_cm = struct.pack("<II", round(1e4 / MPP / step), 1)
        return [
            (254, _LONG, 1, struct.pack("<I", int(step > 1))),
            (256, _LONG, 1, struct.pack("<I", side)),
            (257, _LONG, 1, struct.pack("<I", side)),
            (258, _SHORT, 3, struct.pack("<HHH", 8, 8, 8)),
            (259, _SHORT, 1, struct.pack("<H", 7)),
            (262, _SHORT, 1, struct.pack("<H", 6)),
            (270, _ASCII, len(name), name),
            (277, _SHORT, 1, struct.pack("<H", 3)),
            (282, _RATIONAL, 1, per_cm),
            (283, _RATIONAL, 1, per_cm),
            (284, _SHORT, 1, struct.pack("<H", 1)),
            (296, _SHORT, 1, struct.pack("<H", 3)),
            (322, _LONG, 1, struct.pack("<I", SOURCE_PX)),
            (323, _LONG, 1, struct.pack("<I", SOURCE_PX)),
            (324, _LONG8, len(offsets), offsets.astype("<u8").tobytes()),
            (325, _LONG, len(counts), counts.astype("<u4").tobytes()),
            (530, _SHORT, 2, struct.pack("<HH", 2, 2)),
        ]


def large_slide(name: str, blocks: int) -> SimulatedSlide:
    """Return a slide of 100,352 pixels a side with ``blocks`` blocks of 4,096, apart from each other."""
    places = [(2 + 3 * (i % 7), 2 + 3 * (i // 7)) for i in range(blocks)]
    return SimulatedSlide(name, 100_352, tuple(places), 4096, (1, 4, 16))


def small_slide(name: str) -> SimulatedSlide:
    """Return a slide of 1,024 pixels a side with two blocks of 256."""
    return SimulatedSlide(name, 1024, ((1, 1), (2, 1)), 256, (1,))


def _directory(entries: Sequence[Entry], start: int) -> tuple[bytes, int]:
    """Return the long values and the directory as bytes that begin at ``start``, and where it begins."""
    values, rows = b"", []
    for tag, kind, count, data in entries:
        if len(data) <= 8:
            rows.append(struct.pack("<HHQ8s", tag, kind, count, data))
            continue
        rows.append(struct.pack("<HHQQ", tag, kind, count, start + len(values)))
        values += data + b"\0" * (-len(data) % 8)
    return values + struct.pack("<Q", len(rows)) + b"".join(rows) + bytes(8), start + len(values)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=85, subsampling=2)
    return stream.getvalue()


def _glass() -> NDArray[np.uint8]:
    return np.full((SOURCE_PX, SOURCE_PX, 3), GLASS, np.uint8)


def _tissue() -> NDArray[np.uint8]:
    """Return a tile that continues itself on all sides, with structure that a coarse level shows as well."""
    drawn = np.random.default_rng(0).normal(size=(2, SOURCE_PX, SOURCE_PX))
    waves = [gaussian_filter(noise, sigma, mode="wrap") for noise, sigma in zip(drawn, (2, 32), strict=True)]
    noise = sum(wave / wave.std() for wave in waves)
    dark = np.clip(noise / noise.std(), -2, 2)[..., None]
    colours = np.array([196, 132, 176]) + dark * np.array([22, 26, 16])
    return np.asarray(np.clip(colours, 0, 255), dtype=np.uint8)


def _shrunk(tissue: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Return a tile of the level ``step``: so many times the whole tissue along each side, each shrunk."""
    side = SOURCE_PX // step
    small = Image.fromarray(tissue).resize((side, side), Image.Resampling.BOX)
    return np.tile(np.asarray(small), (step, step, 1))
