"""One epoch of gated attention pooling on simulated bags that are streamed from disk, with peak memory.

    python -m benchmarks.slide_level_epoch [--bags 1000] [--tiles 4000] [--dim 1024] [--threads 2]

The bags hold noise in float16. Of their arrays only some are distinct, and the others are hard links to them:
a cohort of 8 GB takes 0.3 GB of disk. Every bag is opened and read as any other, but the reads come from the
page cache of the system where that is large enough, so the seconds are those of a fast disk. Memory does not
depend on it. The epoch runs in a process of its own; its peak is the largest resident memory of that process,
libraries and mapped files included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tasks.artifacts.feature_set import FEATURES, EncoderFacts, FeatureFacts, FeatureSet, write_feature_table
from tasks.models.mil.abmil import Abmil
from tasks.training.bag_job import BagJob
from tasks.training.bag_recipe import BagRecipe
from tasks.training.epoch import train_epoch
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.run import begin

DISTINCT = 32
CLASSES = ("negative", "positive")


def measure(bags: int = 1000, tiles: int = 4000, dim: int = 1024, threads: int = 2) -> dict[str, float]:
    """Return ``bag_epoch_seconds`` and ``bag_peak_memory_mb`` of one epoch in a process of its own.

    Beside them ``bag_statistics_seconds``: what it takes before the first epoch to find mean and spread.
    """
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        write_cohort(home, bags, tiles, dim)
        words = ["-m", "benchmarks.slide_level_epoch", "--one", str(home), "--threads", str(threads)]
        done = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def write_cohort(home: Path, bags: int, tiles: int, dim: int) -> None:
    """Write the bags below ``home``; two of them are there to validate on."""
    generator = np.random.default_rng(0)
    row = np.arange(tiles)
    table = pd.DataFrame({"tile_id": row.astype(str), "x_level0": row, "y_level0": 0, "extent_level0": 1})
    table = table.assign(label="", tissue_fraction=np.nan, darkness=np.nan)
    for number in range(bags + 2):
        folder = home / f"{number:05d}"
        folder.mkdir()
        if number < DISTINCT:
            np.save(folder / FEATURES, generator.standard_normal((tiles, dim), np.float32).astype(np.float16))
        else:
            os.link(home / f"{number % DISTINCT:05d}" / FEATURES, folder / FEATURES)
        facts = FeatureFacts(
            slide_id=folder.name,
            patient_id=folder.name,
            split="train" if number < bags else "val",
            label=CLASSES[number % 2],
            level0_mpp=1.0,
            mpp=1.0,
            tile_px=1,
            encoder=EncoderFacts(name="noise"),
            dim=dim,
            count=tiles,
        )
        write_feature_table(folder, table, facts)


def one_epoch(home: Path, threads: int) -> dict[str, float]:
    """Return the figures of an epoch in this process."""
    torch.set_num_threads(threads)
    sets = tuple(FeatureSet(folder) for folder in sorted(home.iterdir()))
    recipe = TrainingRecipe(classes=CLASSES, target_class=CLASSES[1], epochs=1, bag=BagRecipe(model=Abmil()))
    job = BagJob(sets, recipe, ArmRecipe(id="benchmark"), 0, "cpu")
    with tempfile.TemporaryDirectory() as work:
        started = time.perf_counter()
        run = begin(job, Path(work))
        begun = time.perf_counter()
        train_epoch(run, 1, lambda slides: None)
        ended = time.perf_counter()
    return {
        "bag_epoch_seconds": ended - begun,
        "bag_peak_memory_mb": _peak_mb(),
        "bag_statistics_seconds": begun - started,
    }


def _peak_mb() -> float:
    """Return the peak of this process alone: Linux hands ``ru_maxrss`` down to the programs it starts."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=int, default=1000)
    parser.add_argument("--tiles", type=int, default=4000)
    parser.add_argument("--dim", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(one_epoch(options.one, options.threads)))
        return
    print(json.dumps(measure(options.bags, options.tiles, options.dim, options.threads)))


if __name__ == "__main__":
    main()
