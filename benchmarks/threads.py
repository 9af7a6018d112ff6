"""How threads should wait and what becomes of freed memory: what studies set, beside what else there is.

    python -m benchmarks.threads [--rounds 3]

Milliseconds of a forward pass by the copy that metrics use, of a plain one, of a gradient with respect to the
input (64 tiles of 64 px, ResNet-18 at half width) and of the imputation of 64 tiles with half of their pixels
removed; alone, and beside one busy process a core. Settings are read when a process starts, so each is
measured in one of its own. Last line: the time of each setting over that of the default, alone and busy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

from flows.environment import QUICK
from tasks.functional.imputation import imputed
from tasks.functional.inference_copy import inference_copy
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "few turns": {"GOMP_SPINCOUNT": QUICK["GOMP_SPINCOUNT"]},
    "studies": QUICK,
}
TILES, PIXELS = 64, 64
Milliseconds = dict[str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measured()))
        return
    alone = in_turns(options.rounds)
    with every_core_busy():
        busy = in_turns(options.rounds)
    for title, figures in (("alone", alone), ("every core busy", busy)):
        print(f"{title:18}" + "".join(f"{work:>12}" for work in figures["default"]))
        for name, row in figures.items():
            print(f"{name:18}" + "".join(f"{value:10.1f}ms" for value in row.values()))
    print(json.dumps({"alone": over_default(alone), "busy": over_default(busy)}))


def in_turns(rounds: int) -> dict[str, Milliseconds]:
    """Return the medians over rounds, the settings taken in turns."""
    runs: dict[str, list[Milliseconds]] = {name: [] for name in SETTINGS}
    for _ in range(rounds):
        for name, settings in SETTINGS.items():
            runs[name].append(in_a_process(settings))
    return {
        name: {work: statistics.median(run[work] for run in each) for work in each[0]}
        for name, each in runs.items()
    }


def in_a_process(settings: Mapping[str, str]) -> Milliseconds:
    ours = {"OMP_WAIT_POLICY", *QUICK}
    clean = {name: value for name, value in os.environ.items() if name not in ours}
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.threads", "--worker"]
    done = subprocess.run(words, env={**clean, **settings}, check=True, capture_output=True, text=True)
    found: Milliseconds = json.loads(done.stdout.splitlines()[-1])
    return found


def measured() -> Milliseconds:
    """Return the milliseconds of each kind of work."""
    model = build_resnet(NetworkRecipe(name="resnet18", width=0.5, stem_stride=2), 2, 0)
    model.eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(TILES, 3, PIXELS, PIXELS, generator=generator)
    removed = torch.rand(TILES, PIXELS, PIXELS, generator=generator) < 0.5
    quick = inference_copy(model, images[:2])

    def gradient() -> None:
        leaf = images.clone().requires_grad_(True)
        torch.autograd.grad(model(leaf)[:, 0].sum(), leaf)

    with torch.no_grad():
        found = {"copy": timed(lambda: quick(images), 30), "forward": timed(lambda: model(images), 15)}
        found["imputation"] = timed(lambda: imputed(images, removed, torch.ones(3)), 5)
    return {**found, "gradient": timed(gradient, 8)}


def timed(work: Callable[[], object], times: int) -> float:
    work()
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times * 1000


@contextmanager
def every_core_busy() -> Iterator[None]:
    """Run one process a core that does nothing but count."""
    count = len(os.sched_getaffinity(0))
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def over_default(figures: Mapping[str, Milliseconds]) -> dict[str, float]:
    """Return the mean over works of a setting's time over that of the default."""
    default = figures["default"]
    return {
        name: round(statistics.mean(row[work] / default[work] for work in default), 2)
        for name, row in figures.items()
    }


if __name__ == "__main__":
    main()
