"""Studies of the planted cohorts, run by the command line in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests._support.leaks import leaks, pictures
from tests._support.planted import COLOUR, NEEDLE, patient, plant_bags, plant_features, plant_tiles
from tests._support.studies import tiny_config

ROOT = Path(__file__).parents[2]
PLANTS = {"tiles": plant_tiles, "bags": plant_bags, "features": plant_features}


class PlantedStudy:
    """One study in ``folder``: inputs in ``in``, all that is written in ``out``.

    Args:
        folder: an empty folder.
        kind: which cohort: ``tiles``, ``bags`` or ``features``.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.out = folder, folder / "out"
        self.out.mkdir(parents=True)
        self.manifest = PLANTS[kind](folder / "in")
        config = _tiles(self.manifest) if kind == "tiles" else _bags(self.manifest, kind)
        self.file = folder / "in" / "study.yaml"
        self.file.write_text(yaml.safe_dump(config), encoding="utf-8")

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command; what it says is kept in ``out`` too."""
        command = [sys.executable, "-c", "from flows.cli import main; main()", *map(str, words)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.out)}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.out, env=environment
        )
        number = len(list(self.out.glob("said_*")))
        (self.out / f"said_{number}_{words[0]}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
        return done

    def leaks(self) -> list[str]:
        """Return every place where a planted text is, but for ids of patients in the store."""
        found = leaks(self.out, NEEDLE)
        return [place for place in found if not ("home/store/" in place and _is_patient(place))]

    def planted_pictures(self) -> list[str]:
        """Return every picture that shows the colour of the label and macro images."""
        return [
            name
            for name, pixels in pictures(self.out)
            if (abs(pixels.astype(int) - COLOUR).max(axis=2) < 40).mean() > 0.01
        ]


def _is_patient(place: str) -> bool:
    """Whether a finding is the id of a patient alone, and no other planted text stands near it."""
    return "Quillfeather & O" in place and "Quillfeather_" not in place


def _tiles(manifest: Path) -> dict[str, Any]:
    return tiny_config(manifest, shared_patients=[patient(0)]).model_dump(mode="json")


def _bags(manifest: Path, kind: str) -> dict[str, Any]:
    bag = {"bag": {"model": "mean_pool"}, "classes": ["negative", "positive"], "target_class": "positive"}
    exports = ["geojson", "ome_tiff"] if kind == "bags" else []
    return {
        "study": "planted", "manifest": str(manifest), "device": "cpu", "level": "slide",
        "tile": {"mpp": 0.5, "tile_px": 64, "classes": ["negative", "positive"], "thumbnail_px": 256},
        "train": {
            "arms": [{"id": "mean_pool", "model": "mean_pool"}], "seeds": [0],
            "recipe": {**bag, "epochs": 2, "batch": 2},
        },
        "explain": {"explainers": ["contribution"], "controls": [], "heatmaps": {"exports": exports}},
        "evaluate": {"metrics": ["tile_deletion"]}, "compare": {}, "shared_patients": [patient(0)],
        **({"embed": {"encoder": "colour_statistics"}} if kind == "bags" else {}),
    }  # fmt: skip
