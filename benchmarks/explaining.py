"""Passes and explanations, timed by the clock on the wall and by that of the process."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

import torch

from benchmarks.training import MEAN, STD, random_tiles
from tasks.explainers.base import Explainer
from tasks.functional.gradients import input_gradient
from tasks.functional.passes import Passes
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tasks.models.classifier import Classifier, build_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.plugins import plugin_class

Clock = Literal["wall", "cpu"]
Settings = Mapping[str, Mapping[str, int]]
"""Fields of explainers by name; the other fields have their defaults."""

BATCHES = (8, 16, 32, 64)
EXPLAINED = (32, 64)
"""Images that an explainer is handed at once; the better of them counts, as the best counts of a pass. What
is done once a batch, such as a weight draw, weighs less in the larger; a study hands over 64 by default."""

LENGTH = 8
"""Passes that are timed at least at once."""

SIGMA = 0.1
"""For weight noise that waits for a calibration: its size does not change the cost."""


@dataclass(frozen=True)
class Setting:
    """What everything is measured on."""

    device: str
    tile_px: int
    threads: int


@dataclass(frozen=True)
class Cost:
    """Seconds an image, on the wall and of all threads of this process."""

    wall: float
    cpu: float

    def over(self, floor: "Cost") -> "Cost":
        """Return both ratios."""
        return Cost(self.wall / floor.wall, self.cpu / floor.cpu)

    def by(self, clock: Clock) -> float:
        """Return one of the two."""
        return self.wall if clock == "wall" else self.cpu


@dataclass(frozen=True)
class Work:
    """Something to be timed, and the number of images that it does."""

    run: Callable[[], object]
    images: int


def lengthened(work: Work, passes: int) -> Work:
    """Return ``work`` of so many passes, over and over until it makes ``LENGTH`` of them.

    What is short would else be timed by what came before it: after work on other sizes, memory is found anew.
    """
    times = -(-LENGTH // max(1, passes))

    def run() -> None:
        for _ in range(times):
            work.run()

    return Work(run, work.images * times)


class Bench:
    """A network laid out as one that is loaded to explain, and images to explain with it."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.device = setting, torch.device(setting.device)
        self.model = self.network().channels_last()
        pixels = random_tiles(max(*EXPLAINED, *BATCHES), setting.tile_px).numpy()
        self.images = to_images(pixels, self.device)
        self.targets = torch.ones(len(pixels), dtype=torch.int64, device=self.device)
        self.keys = tile_keys([str(number) for number in range(len(pixels))]).to(self.device)

    def network(self) -> Classifier:
        """Return a ResNet-18 at half width, 2 classes, in the layout that torch gives it."""
        return build_classifier(NetworkRecipe(), 2, MEAN, STD, seed=0).to(self.device).eval()

    def costs(self, works: Mapping[str, Work], rounds: int) -> dict[str, Cost]:
        """Return the median cost an image of each; they take turns, after a round that does not count."""
        times = defaultdict[str, list[tuple[float, float]]](list)
        for turn in range(rounds + 1):
            for name, work in works.items():
                spent = self._seconds(work.run)
                if turn:
                    times[name].append(spent)
        return {
            name: Cost(*(median(clock) / works[name].images for clock in zip(*each, strict=True)))
            for name, each in times.items()
        }

    def forward(self, batch: int) -> Work:
        """Return a forward pass without gradients."""
        return lengthened(Work(lambda: self.model(self.images[:batch]), batch), 1)

    def both(self, batch: int) -> Work:
        """Return a forward and a backward pass to the input."""
        images, targets = self.images[:batch], self.targets[:batch]
        return lengthened(Work(lambda: input_gradient(self.model, images, targets), batch), 1)

    def explain(self, explainer: Explainer, batch: int) -> Work:
        """Return an explanation of one batch by an explainer that is prepared, as for a whole slide."""
        prepared = explainer.prepare(self.model)
        tensors = self.images[:batch], self.targets[:batch], self.keys[:batch]
        work = Work(lambda: explainer.attribute(prepared, *tensors), batch)
        return lengthened(work, explainer.passes().forward)

    def _seconds(self, work: Callable[[], object]) -> tuple[float, float]:
        self._wait()
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        self._wait()
        return time.perf_counter() - wall, time.process_time() - cpu

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def explainer_of(name: str, settings: Settings) -> Explainer:
    """Return an explainer in its defaults but for ``settings``; what waits for a calibration gets a sigma."""
    explainer = plugin_class(Explainer.package, name).model_validate(settings.get(name, {}))
    assert isinstance(explainer, Explainer)
    return explainer.calibrated(SIGMA)


def best_batches(bench: Bench, rounds: int, clock: Clock) -> tuple[int, int]:
    """Return the batch sizes at which a forward pass, and one with a backward pass, cost least an image."""
    best = []
    for kind in (bench.forward, bench.both):
        costs = bench.costs({str(batch): kind(batch) for batch in BATCHES}, rounds)
        best.append(min(BATCHES, key=lambda batch: costs[str(batch)].by(clock)))
        shown = ", ".join(f"{1e3 * cost.by(clock):.2f} in batches of {b}" for b, cost in costs.items())
        print(f"{kind.__name__}: ms an image {shown}")
    return best[0], best[1]


def floor_of(passes: Passes, forward: Cost, both: Cost) -> Cost:
    """Return the cost of so many passes: each backward one with a forward one, the rest without gradients."""
    alone = passes.forward - passes.backward
    return Cost(
        passes.backward * both.wall + alone * forward.wall, passes.backward * both.cpu + alone * forward.cpu
    )
