"""What a suite of faithfulness metrics costs: beside its minimum, beside Quantus, and as it grows.

    python -m benchmarks.faithfulness --quantus QUANTUS_ENV/bin/python [--rounds 3] [--small]

One network (the layout of ResNet-18 at quarter size, 2.8 M parameters, 2 classes), 16 tiles of 96 x 96 x 3,
six explainers, 2 threads. Quantus runs in a process and an environment of its own (see
``benchmarks/quantus_values.py``), on the same network, tiles, maps, threads and sizes; the two take turns
case by case, each time is the median of the rounds, and ratios are of wall time, or with
``--clock cpu`` of the CPU time of all threads. Quantus is handed all tiles in one batch, which suits it best.

The cases, each for six explainers where not said otherwise:

- *pixel curve*, *region curves*: one map alone, nothing shared: one curve in as many steps as Quantus's
  (which flip channels apart: for the same curve it would take three times as many); both orders over squares.
  ``curve_speedup`` is of both together.
- *removal*: deletion in both orders, insertion, erasure and monotonicity, against PixelFlipping and
  Monotonicity. *subsets*: correlation, infidelity, sensitivity-n, faithfulness estimate and non-sensitivity,
  against the first four (Quantus's NonSensitivity takes single pixels alone, a forward each). *robustness*:
  largest and mean sensitivity, local Lipschitz, relative input and output stability. Of the last two cases
  together and of ROAD ``shared_speedup`` is the smaller.
- *random logit* and *maps alone* (five of localisation, three of complexity).
- *road*: nine levels, both orders. Quantus's fails on three channels, so the functions that it calls are
  called in its order, image by image. *road grey*: its own, on one channel, where it works; ours does three.

``suite_speedup`` is of all cases from *removal* to *maps alone*: ours in one plan against the sum of
Quantus's. The maps are ready for both.

``road_solver_speedup`` is of the imputation of all tiles and levels over the function that Quantus's ROAD
calls, which goes about it as the official program: image by image, a sparse matrix put together neighbour by
neighbour, a direct solution. A direct solution whose matrix is put together whole
(:mod:`benchmarks.sparse_imputation`) is printed beside it.

``passes_over_minimum`` is of every metric there is on six explainers: images through the network over those
that the union of the probes must send.
``extra_explainer_share`` is what a second explainer of equal passes adds to the suite of all metrics, over
the time of the first alone.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

import numpy as np
import torch

from benchmarks.explaining import Clock, Cost
from benchmarks.faithfulness_ours import PAIR, SINGLE, SUITE, Ours
from benchmarks.faithfulness_setting import SMALL, Sizes, made_maps

SHARED = ("subsets", "robustness")
CASES = (*SINGLE, *SUITE, "road", "road grey")

Works = Mapping[str, Callable[[], Cost]]


class Quantus:
    """The process that runs Quantus; it waits, without work, while ours is timed."""

    def __init__(self, python: str, folder: Path, options: argparse.Namespace) -> None:
        words = [python, "-m", "benchmarks.faithfulness_quantus", str(folder)]
        words += ["--threads", str(options.threads), *(["--small"] if options.small else [])]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.forward: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()

    def run(self, case: str) -> Cost:
        """Run one case and return its seconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"one {case}\n" if case in SINGLE else f"{case}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"Quantus ended in case {case!r}; run the worker alone to see why")
        answer = json.loads(line)
        self.forward[case] = answer["forward"]
        return Cost(answer["wall"], answer["cpu"])


def main() -> None:
    """Measure and print."""
    options = parse()
    torch.set_num_threads(options.threads)
    sizes = SMALL if options.small else Sizes()
    maps = made_maps(sizes)
    ours = Ours(sizes, maps)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "maps.npz", **maps)
        with Quantus(options.quantus, Path(folder), options) as quantus:
            costs = taken_in_turns(works(ours, quantus), options.rounds)
    speeds = print_cases(costs, quantus.forward, options.clock)
    passes = print_everything(ours)
    share = costs["two explainers"].by(options.clock) / costs["one explainer"].by(options.clock) - 1
    print(f"a second explainer adds {share:.2f} of what the first costs")
    print_growth(ours, options)
    print(json.dumps({"passes_over_minimum": passes, **speeds, "extra_explainer_share": round(share, 2)}))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quantus", required=True, help="the Python of an environment with Quantus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that everything runs")
    return parser.parse_args()


def works(ours: Ours, quantus: Quantus) -> Works:
    """Return what is timed, ours and Quantus's of a case one after the other."""

    def theirs(case: str) -> Callable[[], Cost]:
        return lambda: quantus.run(case)

    def own(case: str) -> Callable[[], Cost]:
        return lambda: timed(lambda: ours.run(case))

    found: dict[str, Callable[[], Cost]] = {}
    for case in CASES:
        found |= {f"ours {case}": own(case), f"Quantus {case}": theirs(case)}
    return found | {
        "ours suite": lambda: timed(ours.suite),
        "ours imputer": lambda: timed(ours.impute),
        "direct imputer": lambda: timed(ours.solve),
        "Quantus imputer": theirs("imputer"),
        "one explainer": lambda: timed(lambda: ours.everything(PAIR[:1])),
        "two explainers": lambda: timed(lambda: ours.everything(PAIR)),
    }


def taken_in_turns(works: Works, rounds: int) -> dict[str, Cost]:
    """Return the median cost of each; they take turns, after a round that does not count."""
    times = defaultdict[str, list[Cost]](list)
    for turn in range(rounds + 1):
        for name, work in works.items():
            cost = work()
            if turn:
                times[name].append(cost)
    return {
        name: Cost(median(c.wall for c in each), median(c.cpu for c in each)) for name, each in times.items()
    }


def timed(work: Callable[[], object]) -> Cost:
    """Return the seconds of one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def print_cases(costs: Mapping[str, Cost], forward: Mapping[str, int], clock: Clock) -> dict[str, float]:
    """Print every case and return the ratios."""
    print(f"{'case':16}{'ours s':>10}{'Quantus s':>12}{'its images':>12}{'faster: wall':>14}{'CPU':>7}")
    for case in CASES:
        mine, theirs = costs[f"ours {case}"], costs[f"Quantus {case}"]
        ratio = theirs.over(mine)
        print(
            f"{case:16}{mine.by(clock):10.2f}{theirs.by(clock):12.2f}{forward[case]:12}"
            f"{ratio.wall:14.2f}{ratio.cpu:7.2f}"
        )

    def seconds(whose: str, *cases: str) -> float:
        return sum(costs[f"{whose} {case}"].by(clock) for case in cases)

    def faster(*cases: str) -> float:
        return seconds("Quantus", *cases) / seconds("ours", *cases)

    imputer, published = seconds("ours", "imputer"), seconds("Quantus", "imputer")
    suite = seconds("Quantus", *SUITE) / seconds("ours", "suite")
    print(f"suite in one plan {seconds('ours', 'suite'):.2f} s, {suite:.2f} times faster")
    print(f"subsets and robustness together {faster(*SHARED):.2f}, ROAD {faster('road'):.2f} times faster")
    print(
        f"imputation of all tiles and levels {imputer:.2f} s, Quantus's function {published:.2f} s, "
        f"direct with a matrix put together whole {seconds('direct', 'imputer'):.2f} s"
    )
    return {
        "shared_speedup": round(min(faster(*SHARED), faster("road")), 2),
        "curve_speedup": round(faster(*SINGLE), 2),
        "road_solver_speedup": round(published / imputer, 2),
        "suite_speedup": round(suite, 2),
    }


def print_everything(ours: Ours) -> float:
    """Print the passes of every metric on all explainers and return them over their minimum."""
    results = ours.everything(list(ours.maps))
    plan = next(iter(results.values())).measures
    spent, least = (plan[f"plan_{kind}forward_images"] for kind in ("", "minimum_"))
    back, least_back = (plan[f"plan_{kind}backward_images"] for kind in ("", "minimum_"))
    alone = defaultdict[str, int](int)
    for result in results.values():
        for kind, images in result.info.minimum_passes.items():
            alone[kind] += images
    print(
        f"{len(results)} parts: {spent:.0f} images forward and {back:.0f} backward through the network "
        f"(minimum {least:.0f} and {least_back:.0f}), {plan['plan_explained_images']:.0f} explained anew"
    )
    print(f"nothing shared between parts: {alone['forward']} forward, {alone['explained']} explained")
    return round((spent + back) / (least + least_back), 3)


def print_growth(ours: Ours, options: argparse.Namespace) -> None:
    """Print one curve at other tile sizes and numbers of steps."""
    side, steps = ours.sizes.tile_px, ours.sizes.steps

    def curve(factor: float, times: float) -> Callable[[], Cost]:
        return lambda: timed(lambda: ours.curve(int(side * factor), int(steps * times)))

    sizes = {f"{int(side * f)} px": curve(f, 1) for f in (0.5, 1, 2)}
    counts = {f"{int(steps * t)} steps": curve(1, t) for t in (0.5, 1, 2)}
    for growing in (sizes, counts):
        costs = taken_in_turns(growing, options.rounds)
        print("one curve: " + ", ".join(f"{c.by(options.clock):.3f} s at {n}" for n, c in costs.items()))


if __name__ == "__main__":
    main()
