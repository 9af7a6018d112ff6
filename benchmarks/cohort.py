"""What a cohort costs, stage by stage: seconds, peak memory and bytes, at N and 4 N.

    python -m benchmarks.cohort [--blocks 2 8] [--slides 300 1200] [--tile-px 128] [--all]

Two series are made of simulated slides (:mod:`benchmarks.cohort_slides`), with checkpoints that were never
trained. In the first, one slide of 100,352 x 100,352 pixels to test on has ``--blocks`` blocks of tissue,
each of 1,024 tiles of 128 px, and every stage is measured. Two blocks are more than the readers keep decoded,
so their memory is full at both sizes. In the second, ``--slides`` small slides have 8 tiles each, and the
stages that go through all slides are measured; ``--all`` draws, reviews and records them too, for which time
is mostly pictures. All tiles are explained. Every stage runs in a process of its own that may open 1,024
files.

``evaluate_mb_growth`` and ``heatmap_mb_growth`` are the larger growth of peak memory from N to 4 N in either
series. ``bytes_per_tile`` is the growth of the bytes of tile sets over that of their tiles, in the first:
what a tile costs, without the pictures of a slide. ``linear_exponent`` is the power of the size with which
the CPU seconds of all stages grow, in the series where it is larger; CPU seconds, as others disturb the clock
of a shared machine. Bytes are what a stage adds to the home folder.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cohort_slides import SimulatedSlide, large_slide, small_slide
from benchmarks.cohort_stage import in_own_process
from benchmarks.cohort_study import HOME, STUDY, bytes_below, tiles_and_bytes, write_cohort

EVERY = (
    "tile", "train", "predict", "open", "explain", "scale", "draw", "evaluate", "measure", "compare",
    "review", "record",
)  # fmt: skip
OVER_SLIDES = ("tile", "train", "predict", "open", "explain", "evaluate", "measure", "compare")


@dataclass(frozen=True)
class StageCost:
    """What one stage took: it made so many artifacts, and added so many bytes."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    made: int
    bytes: int = 0


@dataclass(frozen=True)
class CohortRun:
    """One cohort of a size: what each stage took, and what its tile sets hold."""

    size: int
    stages: dict[str, StageCost]
    tiles: int
    tile_bytes: int

    @property
    def cpu_seconds(self) -> float:
        """Of all stages."""
        return sum(cost.cpu_seconds for cost in self.stages.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, nargs=2, default=(2, 8), help="of 4,096 px a side")
    parser.add_argument("--slides", type=int, nargs=2, default=(300, 1200))
    parser.add_argument("--tile-px", type=int, default=128)
    parser.add_argument("--all", action="store_true", help="every stage for many slides too")
    asked = parser.parse_args()
    wanted = EVERY if asked.all else OVER_SLIDES
    large = [measure([large_slide("large", n)], n, EVERY, asked.tile_px) for n in asked.blocks]
    print(table("Blocks of tissue on one slide", large))
    many = [
        measure([small_slide(f"s{i:05}") for i in range(n)], n, wanted, asked.tile_px) for n in asked.slides
    ]
    print(table("Slides", many))
    print(json.dumps(summary(large, many)))


def measure(test: Sequence[SimulatedSlide], size: int, stages: Sequence[str], tile_px: int) -> CohortRun:
    """Run every stage on a cohort and return what each took."""
    with tempfile.TemporaryDirectory(prefix="veritile_cohort_") as temporary:
        folder = Path(temporary) / "cohort"
        write_cohort(folder, test, tile_px)
        costs: dict[str, StageCost] = {}
        for stage in stages:
            before = bytes_below(folder / HOME)
            found = in_own_process(folder / STUDY, folder / HOME, stage)
            costs[stage] = StageCost(**found, bytes=bytes_below(folder / HOME) - before)
        return CohortRun(size, costs, *tiles_and_bytes(folder / HOME))


def table(title: str, runs: Sequence[CohortRun]) -> str:
    """Return the costs of every stage at both sizes, with the exponent of its CPU seconds."""
    first, last = runs[0], runs[-1]
    lines = [
        f"\n{title}: {first.size} ({first.tiles} tiles) and {last.size} ({last.tiles} tiles)",
        f"{'stage':10} {'made':>11} {'seconds':>15} {'CPU s':>15} {'peak MB':>13} {'MB added':>15} power",
    ]
    for stage, cost in first.stages.items():
        other = last.stages[stage]
        lines.append(
            f"{stage:10} {cost.made:5} {other.made:5} {cost.seconds:7.1f} {other.seconds:7.1f} "
            f"{cost.cpu_seconds:7.1f} {other.cpu_seconds:7.1f} {cost.peak_mb:6.0f} {other.peak_mb:6.0f} "
            f"{cost.bytes / 1e6:7.1f} {other.bytes / 1e6:7.1f} "
            f"{power((first.size, cost.cpu_seconds), (last.size, other.cpu_seconds)):5.2f}"
        )
    return "\n".join(lines)


def summary(large: Sequence[CohortRun], many: Sequence[CohortRun]) -> dict[str, Any]:
    """Return the last line; a stage that failed has ended the benchmark before."""
    series = (large, many)
    tiles, held = large[-1].tiles - large[0].tiles, large[-1].tile_bytes - large[0].tile_bytes
    powers = [power(*((run.size, run.cpu_seconds) for run in (runs[0], runs[-1]))) for runs in series]
    return {
        "evaluate_mb_growth": round(max(_growth(runs, "evaluate") for runs in series), 1),
        "heatmap_mb_growth": round(max(_growth(runs, "draw") for runs in series), 1),
        "bytes_per_tile": round(held / tiles),
        "slides_under_1024_files": many[-1].size,
        "linear_exponent": round(max(powers), 2),
    }


def power(first: tuple[int, float], last: tuple[int, float]) -> float:
    """Return p, where what was measured at two sizes, as (size, seconds), grows with the size to the p."""
    return math.log(last[1] / first[1]) / math.log(last[0] / first[0])


def _growth(runs: Sequence[CohortRun], stage: str) -> float:
    """Return by how many MB the peak of a stage grew; minus infinity where it was not run."""
    if stage not in runs[0].stages:
        return -math.inf
    return runs[-1].stages[stage].peak_mb - runs[0].stages[stage].peak_mb


if __name__ == "__main__":
    main()
