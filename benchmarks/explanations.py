"""What explaining costs over the floor of its declared passes, and beside the public noise procedure.

    python -m benchmarks.explanations [--explainers gradient lrp] [--rounds 7]

A forward pass without gradients, and a forward with a backward pass to the input, are timed at several batch
sizes; the best of each is the floor of a pass an image. An explainer's floor is its declared passes times
these. Every explainer explains batches of 32 and of 64, of which the better counts, prepared beforehand as
for a whole slide, in turns with the passes, so that all meet the same disturbances; each time is the median
of its rounds. The settings are the defaults, but for the numbers of draws and steps in ``DRAWS``: cost is
linear in them. Controls, which ask little or nothing of a network, are listed last and have no part in the
figures.

The public procedure (:mod:`benchmarks.public_noise`) is timed on the network and images of the note: the
ResNet-18 layout at quarter size (2.8 M parameters), 96 x 96 x 3, 2 classes, 2 threads that do not spin while
they wait; NoiseGrad with 8 draws, FusionGrad with 4 x 4. It must first cost what was noted, 6.4 and 4.4 times
plain torch with all 16 images in one batch, within a quarter; then ours is held against it, on the same 16
images.

Ratios are of wall time, or with ``--clock cpu`` of the process's CPU time, all threads together, which a busy
machine disturbs less; the noted costs are CPU time. Peak memory is that of a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.explaining import (
    EXPLAINED,
    SIGMA,
    Bench,
    Clock,
    Cost,
    Setting,
    Settings,
    Work,
    best_batches,
    explainer_of,
    floor_of,
)
from benchmarks.pixel_explainers import pixel_explainers
from benchmarks.public_noise import batched, public_procedure
from benchmarks.training import peak_of_this_process
from flows.environment import QUICK
from tasks.explainers.base import Explainer
from tasks.functional.leave_as_found import leave_as_found

DRAWS: Settings = {
    "noisegrad": {"draws": 8},
    "fusiongrad": {"draws": 4, "samples": 4},
    "smoothgrad": {"samples": 8},
    "integrated_gradients": {"steps": 8},
    "rise": {"draws": 32},
    "occlusion": {"windows": 4},
}

PUBLIC = {"noisegrad": (8, 0), "fusiongrad": (4, 4)}
"""Weight draws, and noisy images a draw; 0 stands for the image itself."""

NOTED = {"noisegrad": 6.4, "fusiongrad": 4.4}
NOTED_BATCH = 16
WITHIN = 0.25

PUBLIC_IMAGES = 2
"""The public procedure explains so many a round: its cost an image is the same for any number."""

FEW: Settings = {
    "noisegrad": {"draws": 2},
    "fusiongrad": {"draws": 2, "samples": 2},
    "smoothgrad": {"samples": 2},
}
MANY: Settings = {
    "noisegrad": {"draws": 16},
    "fusiongrad": {"draws": 4, "samples": 8},
    "smoothgrad": {"samples": 16},
}
"""Settings that peak memory must not tell from the few."""


def main() -> None:
    """Measure what was asked for and print."""
    options = parse()
    setting = Setting(options.device, options.tile_px, options.threads)
    torch.set_num_threads(setting.threads)
    if options.memory is not None:
        print(peak_memory_mb(setting, options.memory, MANY if options.many else FEW))
        return
    bench = Bench(setting)
    with leave_as_found(bench.model), torch.no_grad():
        names = options.explainers or pixel_explainers()
        ratios = print_explainers(bench, names, options.rounds, options.clock)
        speed = print_noise(bench, options.rounds, options.clock)
    print_memory(setting)
    print(json.dumps({"floor_ratio": ratios, **speed}))


def parse() -> argparse.Namespace:
    names = pixel_explainers()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--explainers", nargs="+", choices=names, help="all by default")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tile-px", type=int, default=96)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", choices=sorted(MANY), help=argparse.SUPPRESS)
    parser.add_argument("--many", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def print_explainers(bench: Bench, names: Sequence[str], rounds: int, clock: Clock) -> dict[str, float]:
    """Print every explainer beside its floor and return the ratios of those that are no controls."""
    forward, both = best_batches(bench, rounds, clock)
    explainers = {name: explainer_of(name, DRAWS) for name in names}
    works = {
        f"{name} {batch}": bench.explain(explainer, batch)
        for name, explainer in explainers.items()
        for batch in EXPLAINED
    }
    passes = {"forward": bench.forward(forward), "forward and backward": bench.both(both)}
    costs = bench.costs({**passes, **works}, rounds)
    units = [costs[name] for name in passes]
    print(f"{bench.setting}, medians of {rounds} rounds, ms an image by the {clock} clock:")
    for name, unit in zip(passes, units, strict=True):
        print(f"one pass {name:24}{1e3 * unit.by(clock):19.2f}")
    print(f"{'explainer':24}{'passes':>10}{'floor':>9}{'time':>9}{'ratio: wall':>13}{'cpu':>7}")
    ratios = {}
    for name, explainer in sorted(explainers.items(), key=lambda item: item[1].control):
        floor = floor_of(explainer.passes(), *units)
        cost = min((costs[f"{name} {batch}"] for batch in EXPLAINED), key=lambda cost: cost.by(clock))
        print(explainer_row(explainer, floor, cost, clock))
        if not explainer.control:
            ratios[name] = round(cost.over(floor).by(clock), 3)
    return ratios


def explainer_row(explainer: Explainer, floor: Cost, cost: Cost, clock: Clock) -> str:
    passes = f"{explainer.passes().forward} + {explainer.passes().backward}"
    times = f"{1e3 * floor.by(clock):9.2f}{1e3 * cost.by(clock):9.2f}"
    ratio = f"{cost.wall / floor.wall:13.2f}{cost.cpu / floor.cpu:7.2f}" if floor.wall else f"{'':20}"
    return f"{explainer.name:24}{passes:>10}{times}{ratio}{'  control' if explainer.control else ''}"


def print_noise(bench: Bench, rounds: int, clock: Clock) -> dict[str, float]:
    """Print ours beside the public procedure and return how many times an image is faster."""
    model, speed = bench.network(), {}
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters, ms an image:")
    for name, noted in NOTED.items():
        costs = bench.costs(noise_works(bench, model, name), rounds)
        public, plain, ours = (costs[kind] for kind in ("public", "batched", "ours"))
        found, faster = public.over(plain), public.over(ours)
        verdict = "agrees" if abs(found.cpu / noted - 1) <= WITHIN else "DOES NOT AGREE"
        print(
            f"{name:12} public {1e3 * public.by(clock):.1f}, over plain torch in one batch of {NOTED_BATCH} "
            f"{found.wall:.2f} wall, {found.cpu:.2f} CPU (noted {noted}: {verdict}); "
            f"ours {1e3 * ours.by(clock):.1f}, faster {faster.wall:.2f} wall, {faster.cpu:.2f} CPU"
        )
        speed[f"{name}_speedup"] = round(faster.by(clock), 2)
    return speed


def noise_works(bench: Bench, model: nn.Module, name: str) -> dict[str, Work]:
    """Return the public procedure, the same in one batch of plain torch, and ours."""

    def times(procedure: Callable[..., Tensor], count: int) -> Work:
        tensors = bench.images[:count], bench.targets[:count]
        return Work(partial(procedure, model, *tensors, *PUBLIC[name], SIGMA), count)

    return {
        "public": times(public_procedure, PUBLIC_IMAGES),
        "batched": times(batched, NOTED_BATCH),
        "ours": bench.explain(explainer_of(name, DRAWS), NOTED_BATCH),
    }


def print_memory(setting: Setting) -> None:
    """Print the peak megabytes of processes that make few and many draws."""
    for name in MANY:
        few, many = (memory_of_a_process(setting, name, more) for more in (False, True))
        print(f"{name:12} peak {few} MB with {FEW[name]}, {many} MB with {MANY[name]}")


def memory_of_a_process(setting: Setting, name: str, many: bool) -> int:
    """Return the peak megabytes of a fresh process that explains one batch."""
    words = ["--memory", name, "--device", setting.device, "--threads", str(setting.threads)]
    words += ["--tile-px", str(setting.tile_px), *(["--many"] if many else [])]
    command = [sys.executable, "-m", "benchmarks.explanations", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


def peak_memory_mb(setting: Setting, name: str, settings: Settings) -> int:
    """Return the peak megabytes of this process after one explained batch."""
    bench = Bench(setting)
    with leave_as_found(bench.model), torch.no_grad():
        bench.explain(explainer_of(name, settings), max(EXPLAINED)).run()
    return peak_of_this_process(bench.device)


if __name__ == "__main__":
    # Threads and the allocator read it when a process starts; it is what studies set.
    if any(os.environ.get(name) != value for name, value in QUICK.items()):
        again = [sys.executable, "-m", "benchmarks.explanations", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, **QUICK})  # noqa: S606
    main()
