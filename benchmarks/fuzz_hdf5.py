"""The doors of HDF5: features and coordinates of tiles."""

import io
from pathlib import Path

import h5py
import numpy as np

from benchmarks.fuzz_doors import Door, Files
from tasks.slides.coordinates import read_coordinates
from tasks.slides.facts import FileFacts
from tasks.slides.feature_reader import open_feature_file
from tasks.slides.geometry import geometry_of
from tasks.slides.resolution import MPP_RANGE, resolve


def _features() -> tuple[Files, ...]:
    found = []
    for kind in ("trident", "clam", "stamp"):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            grid = np.array([[0, 0], [512, 0], [0, 512]])
            name = "feats" if kind == "stamp" else "features"
            file[name] = np.ones((3, 5), np.float32)
            file["coords"] = grid * 0.25 if kind == "stamp" else grid
            if kind == "stamp":
                file.attrs.update(
                    {"stamp_version": "2.4.0", "extractor": "e", "unit": "um", "tile_size_um": 128.0}
                )
                file.attrs.update({"tile_size_px": 256, "feat_type": "tile"})
            if kind == "trident":
                said = {"patch_size": 256, "patch_size_level0": 512, "target_magnification": 20, "name": "n"}
                file["coords"].attrs.update(said | {"level0_width": 2048, "level0_height": 1600})
        found.append({"f.h5": stream.getvalue()})
    return tuple(found)


def _feature_file(folder: Path) -> None:
    with open_feature_file(folder / "f.h5", 0.25, 64) as slide:
        slide.read_tiles([0.0], [0.0], 64.0, 32)


def _coordinates() -> tuple[Files, ...]:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["coords"] = np.array([[0, 0], [512, 0], [0, 512]])
        file["coords"].attrs.update({"patch_size": 256, "patch_level": 1, "level0_width": 2048, "name": "n"})
    return ({"c.h5": stream.getvalue()},)


def _read_coordinates(folder: Path) -> None:
    facts = FileFacts(
        vendor="", level_sizes=((2048, 1600), (1024, 800)), level_downsamples=(1.0, 2.0), properties={}
    )
    read_coordinates(folder / "c.h5", geometry_of(facts, resolve({}, 0.25, MPP_RANGE, "c"), 64))


DOORS = {
    "features": Door(_features(), _feature_file, text=False),
    "coordinates": Door(_coordinates(), _read_coordinates, text=False),
}
