"""Tiled TIFF files in the layouts that slides come in, written from one picture."""

from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

TILE = 128
MPP = 0.5


def picture(width: int = 700, height: int = 500, seed: int = 0) -> np.ndarray:
    """Return a picture with smooth and sharp places, uint8 [height, width, 3]; no two places look alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 250, (height // 20 + 2, width // 20 + 2, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    grain = rng.integers(-12, 13, (height, width, 1))
    return (smooth.astype(int) + grain).clip(0, 255).astype(np.uint8)


def halves(level0: np.ndarray, count: int, odd: int = 0) -> list[np.ndarray]:
    """Return ``level0`` and ``count`` levels below it; ``odd`` pixels fewer, so that no scale is whole."""
    levels = [level0]
    for number in range(1, count + 1):
        size = (level0.shape[1] // 2**number - odd, level0.shape[0] // 2**number)
        levels.append(np.asarray(Image.fromarray(level0).resize(size, Image.Resampling.BOX)))
    return levels


def write_tiled(
    path: Path,
    levels: list[np.ndarray],
    compression: str | int = "jpeg",
    encode: Callable[[np.ndarray], bytes] | None = None,
    missing: tuple[int, ...] = (),
    **settings: object,
) -> Path:
    """Write levels as tiled directories; ``encode`` compresses a tile, ``missing`` ones have no bytes."""
    big = bool(settings.pop("bigtiff", False))
    sub = bool(settings.pop("subifds", False))
    settings.setdefault("photometric", "rgb")
    with tifffile.TiffWriter(path, bigtiff=big) as writer:
        for number, level in enumerate(levels):
            scale = levels[0].shape[1] / level.shape[1]
            chosen: dict[str, object] = (
                {"data": level}
                if encode is None
                else {
                    "data": _encoded(level, encode, missing if number == 0 else ()),
                    "shape": level.shape,
                    "dtype": np.uint8,
                }
            )
            if sub and number == 0:
                chosen["subifds"] = len(levels) - 1
            writer.write(
                **chosen,
                **{"metadata": None, **settings},
                tile=(TILE, TILE),
                compression=compression,
                subfiletype=int(number > 0),
                resolution=(1e4 / (MPP * scale),) * 2,
                resolutionunit="CENTIMETER",
            )
    return path


def _encoded(
    level: np.ndarray, encode: Callable[[np.ndarray], bytes], missing: tuple[int, ...]
) -> Iterator[bytes]:
    height, width = level.shape[:2]
    padded = np.pad(level, ((0, -height % TILE), (0, -width % TILE), (0, 0)), mode="edge")
    number = 0
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            tile = np.ascontiguousarray(padded[y : y + TILE, x : x + TILE])
            yield b"" if number in missing else encode(tile)
            number += 1


def jpeg(tile: np.ndarray) -> bytes:
    """Return a tile as JPEG with halved chroma."""
    return imagecodecs.jpeg8_encode(tile, level=85, subsampling="420")


def jpeg2000(tile: np.ndarray) -> bytes:
    """Return a tile as a JPEG 2000 codestream, its three samples unchanged by any colour transform."""
    return imagecodecs.jpeg2k_encode(tile, level=0, codecformat="j2k", mct=False, reversible=True)


APERIO = "Aperio Image Library v12.0.15\r\n{} [0,0 {}] (128x128) J2K/KDU Q=70|AppMag = 20|MPP = 0.5000"


def aperio(width: int, height: int) -> str:
    """Return the description by which a file is Aperio's."""
    return APERIO.format(f"{width}x{height}", f"{width}x{height}")


def philips(sizes: list[tuple[int, int]]) -> str:
    """Return the description by which a file is Philips's: XML with the pixel spacing of each level."""
    levels = "".join(
        f'<DataObject ObjectType="PixelDataRepresentation"><Attribute Name="DICOM_PIXEL_SPACING" '
        f'Group="0x0028" Element="0x0030" PMSVR="IDoubleArray">&quot;{0.0005 * 2**n:.6f}&quot; '
        f'&quot;{0.0005 * 2**n:.6f}&quot;</Attribute><Attribute Name="PIIM_PIXEL_DATA_REPRESENTATION_NUMBER" '
        f'Group="0x1001" Element="0x8002" PMSVR="IUInt16">{n}</Attribute></DataObject>'
        for n, _ in enumerate(sizes)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" ?><DataObject ObjectType="DPUfsImport">'
        '<Attribute Name="DICOM_MANUFACTURER" Group="0x0008" Element="0x0070" PMSVR="IString">PHILIPS'
        '</Attribute><Attribute Name="PIM_DP_SCANNED_IMAGES" Group="0x301D" Element="0x1003" '
        'PMSVR="IDataObjectArray"><Array><DataObject ObjectType="DPScannedImage">'
        '<Attribute Name="PIM_DP_IMAGE_TYPE" Group="0x301D" Element="0x1004" PMSVR="IString">WSI</Attribute>'
        '<Attribute Name="DICOM_PIXEL_SPACING" Group="0x0028" Element="0x0030" PMSVR="IDoubleArray">'
        "&quot;0.000500&quot; &quot;0.000500&quot;</Attribute>"
        '<Attribute Name="PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE" Group="0x1001" Element="0x8B01" '
        f'PMSVR="IDataObjectArray"><Array>{levels}</Array></Attribute></DataObject></Array></Attribute>'
        "</DataObject>"
    )
