"""One way of this project reads the tiles of a job, in a process of its own.

python -m benchmarks.slides_worker WAY JOB.json
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.slides_before import stage_before
from benchmarks.slides_job import Job, Rgb, peak_mb, tell
from flows.environment import SAID_TO_ALLOCATOR, prepare
from tasks.slides import reader
from tasks.slides.choice import ReaderChoice
from tasks.slides.direct import source_tiles
from tasks.slides.direct.decode import decode
from tasks.slides.direct.paint import Region, tiles_of
from tasks.slides.first_look import look
from tasks.slides.pixels import Resample
from tasks.slides.reader import open_slide
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.recipe import TilingRecipe

STAGES = ("stage", "stage_before")


def by_openslide(choice: ReaderChoice) -> ReaderChoice:
    """Return the choice with OpenSlide instead of the direct path."""
    return choice.model_copy(update={"name": "openslide", "reason": "asked for", "layout": None})


def reading(job: Job, resample: Resample, choice: ReaderChoice, block: bool) -> Callable[[], list[Rgb]]:
    """Return how this project reads the tiles: in blocks, or each alone."""

    def read() -> list[Rgb]:
        with open_slide(Path(job.slide), None, resample=resample, choice=choice) as slide:
            if block:
                tiles, _ = slide.read_tiles(job.x, job.y, job.extent, job.out_px)
                return list(tiles)
            return [slide.read(x, y, job.extent, job.out_px) for x, y in zip(job.x, job.y, strict=True)]

    return read


def decoding(job: Job, choice: ReaderChoice) -> Callable[[], list[Rgb]]:
    """Return the decode limit: every source tile that the tiles need, read and decoded once, and no more."""
    assert choice.layout is not None
    level = choice.layout.levels[job.level]
    assert level is not None
    side = int(np.ceil(job.extent / job.downsample))
    needed = {
        index
        for x, y in zip(job.x, job.y, strict=True)
        for index in tiles_of(level, Region(x // job.downsample, y // job.downsample, side, side))
    }
    tiles = source_tiles.SourceTiles(Path(job.slide), choice.layout)
    offsets, counts, tables = tiles._arrays(job.level)
    descriptor = os.open(job.slide, os.O_RDONLY)
    blank = [np.zeros(1, np.uint8)] * len(job.x)

    def read() -> list[Rgb]:
        for index in sorted(needed):
            decode(os.pread(descriptor, int(counts[index]), int(offsets[index])), level, tables)
        return blank

    return read


def stage(job: Job, before: bool) -> None:
    """Print what the whole stage costs, as one line of JSON."""
    recipe = TilingRecipe(mpp=job.mpp, tile_px=job.out_px)
    path = Path(job.slide)
    row = SlideRow(slide_id="slide", patient_id="p", split="train", path=path.name, label="normal")
    # The first look would be made by a process that lives on, and its time would not be counted.
    reader.choose_reader = look
    best: list[tuple[float, float]] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter(), time.process_time()
            if before:
                tiles = stage_before(path, recipe, Path(folder))
            else:
                tiles = int(tile_slide(row, path.parent, recipe, Path(folder))["tiles"])
            best.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    wall, cpu = (min(each) for each in zip(*best, strict=True))
    print(json.dumps({"tiles": tiles, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak_mb(), "crc": []}))


def main(way: str, path: Path) -> None:
    """Read in one way and print what it costs."""
    with tempfile.TemporaryDirectory() as home:
        prepare(Path(home))  # the allocator, as studies set it
    assert SAID_TO_ALLOCATOR
    job = Job.of(path)
    source_tiles.THREADS = job.threads
    if way in STAGES:
        stage(job, before=way == "stage_before")
        return
    choice = look(Path(job.slide))
    ways: dict[str, Callable[[], Callable[[], list[Rgb]]]] = {
        "limit": lambda: decoding(job, choice),
        "lanczos": lambda: reading(job, "lanczos", choice, block=True),
        "area": lambda: reading(job, "area", choice, block=True),
        "each_alone": lambda: reading(job, "lanczos", choice, block=False),
        "before": lambda: reading(job, "lanczos", by_openslide(choice), block=False),
    }
    tell(ways[way]())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
