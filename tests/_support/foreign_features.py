"""Feature files as TRIDENT, CLAM and STAMP write them, written here by hand from their layouts."""

from pathlib import Path

import h5py
import numpy as np

from tasks.slides.row import SlideRow

CORNERS = np.array([[0, 0], [512, 0], [1024, 512], [512, 1024]])
"""Upper left corners of four tiles of 512 level-0 pixels, at 0.25 um/px."""

SIDE, MPP, DIM = 512, 0.25, 6

FEATURES = np.random.default_rng(0).normal(size=(4, DIM)).astype(np.float32)


def write_trident(path: Path, changed: dict | None = None, coords=CORNERS, features=FEATURES) -> Path:
    """Write features of tiles of 256 px, named 20x of 40x: 0.5 um/px of nominally 0.25."""
    attributes = {
        "patch_size": 256, "patch_size_level0": SIDE, "level0_magnification": 40, "target_magnification": 20,
        "overlap": 0, "name": path.stem, "savetodir": "None", "level0_width": 2048, "level0_height": 1600,
    } | (changed or {})  # fmt: skip
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=features).attrs["encoder"] = "uni_v1"
        stored = file.create_dataset("coords", data=coords)
        stored.attrs.update({name: value for name, value in attributes.items() if value is not None})
    return path


def write_clam(folder: Path, name: str = "a") -> tuple[Path, Path]:
    """Write the features and, in another file, where the tiles of 256 px of level 1 lie."""
    for kind in ("h5_files", "patches"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    path, tiles = folder / "h5_files" / f"{name}.h5", folder / "patches" / f"{name}.h5"
    with h5py.File(path, "w") as file:
        file["features"], file["coords"] = FEATURES, CORNERS
    with h5py.File(tiles, "w") as file:
        file["coords"] = CORNERS
        file["coords"].attrs.update({"patch_size": 256, "patch_level": 1, "downsample": (2.0, 2.0)})
    return path, tiles


def write_stamp(path: Path, changed: dict | None = None) -> Path:
    """Write float16 features of tiles of 128 um at positions in micrometres."""
    attributes = {
        "stamp_version": "2.4.0", "extractor": "virchow2", "unit": "um", "tile_size_um": SIDE * MPP,
        "tile_size_px": 256, "feat_type": "tile", "code_hash": "0",
    } | (changed or {})  # fmt: skip
    with h5py.File(path, "w") as file:
        file["feats"], file["coords"] = FEATURES.astype(np.float16), CORNERS * MPP
        file.attrs.update({name: value for name, value in attributes.items() if value is not None})
    return path


def write_features_of(root: Path, producer: str, label: str | None = None) -> SlideRow:
    """Write the feature file of one slide and return its row."""
    more: dict = {"mpp": None if producer == "trident" else MPP}
    if producer == "clam":
        path, tiles = write_clam(root)
        more["coordinates"] = tiles.relative_to(root).as_posix()
    else:
        path = {"trident": write_trident, "stamp": write_stamp}[producer](root / "a.h5")
    features = path.relative_to(root).as_posix()
    given = {"slide_id": "a", "patient_id": "p", "path": "", "split": "train", "features": features}
    return SlideRow.model_validate(given | more | {"label": label})
