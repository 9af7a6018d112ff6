"""What running a study costs beside its work: a study of which all is stored, a part, and kills.

    python -m benchmarks.orchestration [--kills 8] [--parts 1000] [--without-kills]

``cached_study_seconds`` is the wall clock of the command on a study of which every artifact is stored, with
the servers of ``veritile ui`` up, start of Python included; ``cached_cpu_seconds`` is its CPU time without a
server. ``part_overhead_seconds`` is what one part of many costs that does next to nothing, as a task of a
Prefect server on this machine: queue, store, Prefect and log. Kills are those of :mod:`benchmarks.kills`.
The last line of the output is one JSON object.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile

from benchmarks.kills import measure as measure_kills
from benchmarks.kills import study_file
from flows.servers import mlflow_server, prefect_server
from tests._support.ports import free_port

VERITILE = "from flows.cli import main; main()"
REPEATS = 3

_PARTS = """
import json, sys, time
from pathlib import Path
from flows.environment import prepare
home = Path(sys.argv[2])
prepare(home)
from flows.config import load_study
from flows.engine.rerun import RerunOptions
from flows.open_study import open_study
from flows.study import run_opened, study
from tasks.tile import Tile

def build(self, inputs, out, context):
    (out / "nothing.txt").write_text(context.key.label)
    return None

Tile.build = build
started = time.perf_counter()
study(Path(sys.argv[1]), home, only="tile")
print(json.dumps(time.perf_counter() - started))
"""
"""The stage ``tile`` with a build that writes one small file, so that what is timed is all the rest."""


def command(*words: str, settings: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Run the command line and return its wall clock and CPU seconds, those of its children included."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, **(settings or {})}
    subprocess.run(
        [sys.executable, "-c", VERITILE, *words], check=True, env=environment, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, cpu


@contextmanager
def servers(home: Path) -> Iterator[dict[str, str]]:
    """Serve MLflow and Prefect below ``home``, and give the settings that name them."""
    prefect, mlflow = free_port(), free_port()
    with prefect_server(home, prefect), mlflow_server(home, mlflow):
        yield {"PREFECT_API_URL": f"http://127.0.0.1:{prefect}/api"}


def cached(folder: Path) -> dict[str, float]:
    """Return the seconds of a study of which all is stored, and its CPU seconds without a server."""
    config, home = study_file(folder), folder / "home"
    words = ("run", str(config), "--home", str(home))
    command(*words)
    without = min(command(*words)[1] for _ in range(REPEATS))
    with servers(home) as settings:
        seconds = min(command(*words, settings=settings)[0] for _ in range(REPEATS))
    return {"cached_study_seconds": round(seconds, 2), "cached_cpu_seconds": round(without, 2)}


def part_overhead(folder: Path, parts: int) -> float:
    """Return the seconds per part of a stage of ``parts`` parts that write one small file each."""
    config, home = many_slides(folder, parts), folder / "home"
    with servers(home) as settings:
        done = subprocess.run(
            [sys.executable, "-c", _PARTS, str(config), str(home)],
            check=True,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
        )
    return float(done.stdout.strip().splitlines()[-1]) / parts


def many_slides(folder: Path, count: int) -> Path:
    """Write ``count`` very small slides, their manifest and a study file, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    generator, lines = np.random.default_rng(0), ["slide_id,patient_id,path,split,label"]
    splits = ("train", "val", "test")
    for number in range(count):
        pixels = generator.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        name = f"s{number:05d}.tiff"
        tifffile.imwrite(
            folder / name, pixels, tile=(64, 64), photometric="rgb", resolution=(1e4, 1e4), resolutionunit=3
        )
        label = ("normal", "tumour")[number // 3 % 2]
        lines.append(f"s{number:05d},p{number:05d},{name},{splits[number % 3]},{label}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    study = {
        "study": "parts",
        "manifest": str(folder / "manifest.csv"),
        "device": "cpu",
        "tile": {"mpp": 1.0, "tile_px": 32},
        "train": {"arms": [{"id": "standard"}], "seeds": [0], "weak_labels": True},
        "explain": {"explainers": ["gradient"], "controls": []},
        "evaluate": {"metrics": ["gini"]},
        "compare": {},
    }
    (folder / "parts.yaml").write_text(json.dumps(study), encoding="utf-8")
    return folder / "parts.yaml"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=8, help="in each stage")
    parser.add_argument("--parts", type=int, default=1000)
    parser.add_argument("--without-kills", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures: dict[str, float] = cached(folder / "cached")
        figures["part_overhead_seconds"] = round(part_overhead(folder / "parts", chosen.parts), 4)
        figures["parts"] = chosen.parts
        if not chosen.without_kills:
            found = measure_kills(folder / "kills", chosen.kills)
            for fault in found.faults:
                print(fault)
            figures |= {"kills_survived": found.survived, "kills": found.kills}
    for key, value in figures.items():
        print(f"{key:24} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
