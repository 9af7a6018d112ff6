"""Tiles a second of reading and of the whole tile stage, beside other libraries and the decode limit.

python -m benchmarks.slides [--slide PATH] [--tiles N] [--peers FOLDER] [--large] [--area]

Every way reads the same tiles of tissue, 256 px, in a process of its own, with one thread. Rates are tiles a
second of CPU time, the best of three rounds, so that another busy process falsifies them less. ``--peers``
makes an environment with the other libraries in FOLDER, or uses the one that is there.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.slides_area import print_area
from benchmarks.slides_job import Job
from benchmarks.slides_phantom import write_large
from tasks.slides.choice import ReaderChoice
from tasks.slides.first_look import look
from tasks.slides.reader import open_slide
from tasks.tiling.layout import lay_out
from tasks.tiling.recipe import TilingRecipe

DATA = Path(os.environ.get("VERITILE_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
OURS = ("limit", "lanczos", "area", "each_alone", "before")
PEERS = {
    "openslide": ["openslide-python", "openslide-bin", "pillow"],
    "tiffslide": ["tiffslide"],
    "large_image": ["large-image", "large-image-source-openslide"],
    "pyvips": ["pyvips", "pyvips-binary"],
    "fastslide": ["fastslide"],
    "wsidata": ["wsidata"],
}
TILE_PX = 256
_QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "VIPS_CONCURRENCY": "1"}


@dataclass(frozen=True)
class Cost:
    """What one way told: tiles, seconds, peak memory, and a checksum of every tile."""

    tiles: int
    wall_s: float
    cpu_s: float
    peak_mb: int
    crc: tuple[int, ...]

    @property
    def rate(self) -> float:
        """Tiles a second of CPU time."""
        return self.tiles / self.cpu_s

    def equal(self, other: "Cost") -> float:
        """Return the fraction of tiles with the same bytes."""
        return float(np.mean(np.array(self.crc) == np.array(other.crc)))


Table = dict[str, Cost]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slide", type=Path, default=DATA / "her2st" / "slides" / "HER2ST_B4.tiff")
    parser.add_argument("--tiles", type=int, default=300)
    parser.add_argument("--peers", type=Path)
    parser.add_argument(
        "--large", action="store_true", help="a slide of 98,304 px square, made from the slide"
    )
    parser.add_argument("--area", action="store_true", help="what the area filter changes, and nothing else")
    options = parser.parse_args(arguments)
    if options.area:
        print_area(options.slide, options.tiles)
        return
    with tempfile.TemporaryDirectory() as folder:
        slide = _large(options.slide, Path(folder)) if options.large else options.slide
        peers = {} if options.peers is None else peers_in(options.peers)
        measure(slide, options.tiles, peers, Path(folder))


def measure(slide: Path, tiles: int, peers: Mapping[str, Path], folder: Path) -> dict[str, float | bool]:
    """Print the tables of a slide, and the figures as the last line."""
    choice = look(slide)
    print(f"{slide.name}: {choice.name}, {choice.reason}")
    with open_slide(slide, None, choice=choice) as reader:
        native_mpp = reader.geometry.mpp
    tables: dict[float, Table] = {}
    for mpp in (native_mpp, 0.5, 1.0):
        job = job_of(slide, choice, mpp, tiles).to(folder / "job.json")
        tables[mpp] = {name: cost for name in OURS if (cost := _run(_ours(name, job))) is not None}
        for name, python in peers.items():
            cost = _run([str(python), str(Path(__file__).with_name("slides_peer.py")), name, str(job)])
            if cost is not None:
                tables[mpp][name] = cost
        _print_table(f"reading at {mpp:.3g} um/px{' (native)' if mpp == native_mpp else ''}", tables[mpp])
    job = job_of(slide, choice, native_mpp, 1).to(folder / "job.json")
    stages = {
        name: cost for name in ("stage", "stage_before") if (cost := _run(_ours(name, job))) is not None
    }
    _print_table("the whole stage, native", stages)
    found = figures(tables, native_mpp, stages)
    print(json.dumps(found))
    return found


def figures(tables: Mapping[float, Table], native_mpp: float, stages: Table) -> dict[str, float | bool]:
    """Return the figures of the last line."""
    native = tables[native_mpp]
    loop = native.get("openslide", native["before"])
    resampled = [tables[mpp] for mpp in tables if mpp != native_mpp]
    best = [max((c.rate for n, c in t.items() if n not in OURS), default=float("nan")) for t in resampled]
    return {
        "reading_over_openslide": round(native["lanczos"].rate / loop.rate, 2),
        "decode_limit_share": round(native["lanczos"].rate / native["limit"].rate, 2),
        "stage_over_openslide": round(stages["stage"].rate / stages["stage_before"].rate, 2),
        "best_peer_ratio_resampled": _over(best, [table["area"] for table in resampled]),
        "best_peer_ratio_resampled_lanczos": _over(best, [table["lanczos"] for table in resampled]),
        "identical_pixels": all(t["lanczos"].crc == t["before"].crc for t in tables.values())
        and native["lanczos"].crc == loop.crc,
        "peak_memory_mb": max(t["lanczos"].peak_mb for t in tables.values()),
    }


def _over(best: list[float], ours: list[Cost]) -> float:
    """Return the smallest ratio over the best peer; 0 where nothing was resampled."""
    return round(min((own.rate / peer for own, peer in zip(ours, best, strict=True)), default=0.0), 2)


def job_of(slide: Path, choice: ReaderChoice, mpp: float, tiles: int) -> Job:
    """Return the first tiles of tissue of a slide at a resolution."""
    recipe = TilingRecipe(mpp=mpp, tile_px=TILE_PX, max_enlargement=2)
    with open_slide(slide, None, choice=choice) as reader:
        positions = lay_out(reader, recipe, slide.name).positions
        geometry = reader.geometry
    level = geometry.best_level(positions.extent / TILE_PX)
    return Job(
        slide=str(slide.resolve()),
        x=positions.x[:tiles].tolist(),
        y=positions.y[:tiles].tolist(),
        extent=positions.extent,
        out_px=TILE_PX,
        mpp_level0=geometry.mpp,
        level=level,
        downsample=geometry.level_downsamples[level],
    )


def peers_in(folder: Path) -> dict[str, Path]:
    """Return the Python of the peers that could be installed into an environment in ``folder``."""
    python = folder / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for name, packages in PEERS.items():
            done = subprocess.run([str(python), "-m", "pip", "-q", "install", "numpy", *packages])
            if done.returncode:
                print(f"{name} is left out: pip could not install {' '.join(packages)}")
    there = {}
    for name in PEERS:
        code = f"import {name}"
        if subprocess.run([str(python), "-c", code], capture_output=True).returncode:
            print(f"{name} is left out: it cannot be imported there")
        else:
            there[name] = python
    return there


def _ours(way: str, job: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.slides_worker", way, str(job)]


def _run(command: list[str]) -> Cost | None:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **_QUIET})
    if done.returncode:
        said = (done.stderr.strip() or "it printed nothing").splitlines()[-1]
        print(f"{command[-2]} is left out: {said[:160]}")
        return None
    told = json.loads(done.stdout.splitlines()[-1])
    return Cost(told["tiles"], told["wall_s"], told["cpu_s"], told["peak_mb"], tuple(told["crc"]))


def _print_table(title: str, table: Table) -> None:
    print(f"\n{title}")
    print(f"{'way':14}{'tiles':>7}{'per CPU s':>11}{'per s':>8}{'peak MB':>9}{'as Lanczos':>12}")
    for name, cost in table.items():
        same = table.get("lanczos")
        equal = f"{same.equal(cost):.0%}" if same and len(same.crc) == len(cost.crc) else "-"
        wall = cost.tiles / cost.wall_s
        print(f"{name:14}{cost.tiles:7}{cost.rate:11.0f}{wall:8.0f}{cost.peak_mb:9}{equal:>12}")


def _large(slide: Path, folder: Path) -> Path:
    with open_slide(slide, None) as reader:
        middle = (reader.geometry.width_level0 / 2 - 2048, reader.geometry.height_level0 / 2 - 2048)
        tissue = reader.read(round(middle[0]), round(middle[1]), 4096, 4096)
    return write_large(folder / "large.tif", tissue, (24, 24), tissue_fraction=0.05)


if __name__ == "__main__":
    main()
