"""The doors of slides: TIFF and DICOM. What decodes them is C, and looks at them in a process of its own."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from benchmarks.fuzz_doors import Door, Files
from flows.input_hashes import InputHashes
from tasks.slides.first_look import choose_reader
from tasks.slides.reader import open_slide
from tests._support.dicom_headers import SYNTAXES, dicom_file


def _pixels(side: int = 300) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 255, (side, side, 3), dtype=np.uint8)


def _tiffs() -> tuple[Files, ...]:
    said = "Aperio Image Library v12\r\n300x300 [0,0 300x300] (128x128) JPEG/RGB Q=70|AppMag = 20|MPP = 0.5"
    kinds: tuple[dict[str, Any], ...] = (
        {"compression": "deflate"}, {"compression": "jpeg", "description": said},
        {"compression": "lzw", "bigtiff": True},
    )  # fmt: skip
    found = []
    for kind in kinds:
        stream = io.BytesIO()
        with tifffile.TiffWriter(stream, bigtiff=bool(kind.pop("bigtiff", False))) as writer:
            for step in (1, 2):
                writer.write(
                    np.ascontiguousarray(_pixels()[::step, ::step]), tile=(128, 128), photometric="rgb",
                    metadata=None, subfiletype=step - 1, resolution=(2e4 / step,) * 2,
                    resolutionunit="CENTIMETER", **kind,
                )  # fmt: skip
        found.append({"s.tif": stream.getvalue()})
    return tuple(found)


def _slide(folder: Path) -> None:
    path = folder / "s.tif"
    choose_reader(path)
    with open_slide(path, None, thumbnail_px=64) as slide:
        slide.read_tiles([0.0, 200.0], [0.0, 250.0], 64.0, 32)
    InputHashes(folder / "home").facts([path])


def _dicoms() -> tuple[Files, ...]:
    files = [dicom_file(syntax, "1.2.3.4") for syntax in SYNTAXES]
    return tuple({"s.dcm": file, "t.dcm": file} for file in files)


def _dicom(folder: Path) -> None:
    hashes = InputHashes(folder / "home")
    hashes.contents([folder / "s.dcm"])
    hashes.facts([folder / "s.dcm"])
    choose_reader(folder / "s.dcm")


DOORS = {"tiff": Door(_tiffs(), _slide, text=False), "dicom": Door(_dicoms(), _dicom, text=False)}
