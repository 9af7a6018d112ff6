"""The study of a simulated cohort: its slides, manifest and study file in one folder."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]  # has no stubs
import yaml

from benchmarks.cohort_slides import SimulatedSlide, small_slide
from tasks.artifacts.tile_set import TILES

STUDY, HOME = "study.yaml", "home"
NETWORK = {"name": "resnet18", "width": 0.125, "stem_stride": 2}


def write_cohort(folder: Path, test: Sequence[SimulatedSlide], tile_px: int) -> None:
    """Write the slides to test on, four small ones to train and validate on, the manifest and the study."""
    folder.mkdir(parents=True)
    learning = [(small_slide(f"learn{i}"), "train" if i < 2 else "val") for i in range(4)]
    rows = [*learning, *((slide, "test") for slide in test)]
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["slide_id", "patient_id", "path", "split", "annotation"])
        for number, (slide, split) in enumerate(rows):
            slide.write(folder)
            table.writerow([slide.name, f"p{number}", f"{slide.name}.tif", split, f"{slide.name}.geojson"])
    (folder / STUDY).write_text(yaml.safe_dump(_study(tile_px)), encoding="utf-8")


def bytes_below(folder: Path) -> int:
    """Return the bytes of all files below ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def tiles_and_bytes(home: Path) -> tuple[int, int]:
    """Return how many tiles the tile sets below ``home`` have, and their bytes with all pictures."""
    store = home / "store" / "TileSet"
    return sum(pq.read_metadata(path).num_rows for path in store.rglob(TILES)), bytes_below(store)


def _study(tile_px: int) -> dict[str, Any]:
    return {
        "study": "cohort",
        "manifest": "manifest.csv",
        "device": "cpu",
        "cpu_threads": 1,
        "resources": {"runner": "inline"},
        "tile": {"mpp": 0.5, "tile_px": tile_px},
        "train": {
            "arms": [{"id": "standard"}],
            "seeds": [0],
            "recipe": {"network": NETWORK, "epochs": 1, "batch": 16},
        },
        "explain": {
            "splits": ["test"],
            "halo_px": 0,
            "tiles_per_slide": None,
            "explainers": [{"name": "gradient"}],
            "controls": [{"name": "random_map"}],
        },
        "evaluate": {
            "metrics": [{"name": "gini"}, {"name": "deletion", "steps": 3}],
            "model_metrics": [{"name": "gradient_scale"}],
        },
        "compare": {"reference_arm": "standard", "primary": "gradient/gini.gini"},
    }
