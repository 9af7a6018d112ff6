"""How much faster two workers of a cluster are than one, and what sending a request costs.

    python -m benchmarks.scale_workers [--slides 16] [--folder DIR]

The stages tile and explain of a phantom cohort run on a local cluster of one worker and of two. Timed is the
time from the first build that begins to the last one that ends, so the start of the cluster is left out. Each
model has one thread. The figure is only as good as the machine is quiet: the load is printed beside it.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from flows.config import StudyConfig
from flows.engine.events import BuildEnded, BuildStarted, Event, listening
from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.request import BuildRequest, fulfil
from flows.engine.rerun import RerunOptions
from flows.engine.runners.base import NotMadeError
from flows.open_study import open_study
from tasks.phantoms.generate import generate_cohort
from tasks.phantoms.recipe import PhantomRecipe

STAGES = ("tile", "explain")
_BEFORE = ("tile", "train", "predict", "surround")


class _Span:
    """The time from the first build to the last, and how many there were."""

    def __init__(self) -> None:
        self.first = self.last = 0.0
        self.requests = self.artifacts = 0

    def __call__(self, event: Event) -> None:
        now = time.perf_counter()
        if isinstance(event, BuildStarted):
            self.first = self.first or now
            self.requests += 1
        elif isinstance(event, BuildEnded):
            self.last = now
            self.artifacts += event.artifacts

    @property
    def seconds(self) -> float:
        return self.last - self.first


def two_worker_speedup(folder: Path, slides: int = 16) -> Mapping[str, object]:
    """Return the seconds of one and of two workers per stage, and the speed-up over both stages.

    Args:
        folder: where the cohort and the home go; emptied by nobody.
        slides: slides of the cohort, at least 8.
    """
    tests = tuple([2] * ((slides - 6) // 2))
    recipe = PhantomRecipe(train=(2, 2), val=(2,), test=tests, size_px=(1664, 1152), sections=2)
    manifest = generate_cohort(folder / "cohort", recipe, lambda done: None)
    seconds: dict[int, dict[str, float]] = {}
    for stage in _BEFORE:
        _run(manifest, folder / "home", stage, 2)
    for workers in (1, 2):
        seconds[workers] = {
            stage: _run(manifest, folder / "home", stage, workers).seconds for stage in STAGES
        }
    one, two = (sum(seconds[workers].values()) for workers in (1, 2))
    return {
        "slides": 6 + sum(tests),
        "seconds": {str(workers): each for workers, each in seconds.items()},
        "two_worker_speedup": round(one / two, 2),
        "cores": os.cpu_count(),
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def _run(manifest: Path, home: Path, stage: str, workers: int) -> _Span:
    """Make one stage again on a local cluster and return how long its builds took."""
    plan = Plan(open_study(_config(manifest, workers), home, None))
    span = _Span()
    if plan.of(stage):
        with listening(span):
            execute(plan, RerunOptions(only=stage), _submit, {})
    return span


def _config(manifest: Path, workers: int) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "study": "scale_workers",
            "manifest": str(manifest),
            "device": "cpu",
            "cpu_threads": 1,
            "tile": {"mpp": 0.5, "tile_px": 64},
            "train": {
                "arms": [{"id": "standard"}],
                "seeds": [0],
                "recipe": {"network": {"width": 0.25}, "epochs": 1, "batch": 64},
            },
            "explain": {
                "explainers": [{"name": "integrated_gradients"}],
                "controls": [],
                "halo_px": 0,
                "splits": ["train", "val", "test"],
            },
            "resources": {"runner": "dask", "cluster": {"workers": workers}},
        }
    )


def _submit(request: BuildRequest) -> BaseException | None:
    try:
        fulfil(request)
    except (NotMadeError, OSError, ValueError) as error:
        return error
    return None


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--slides", type=int, default=16)
    words.add_argument("--folder", type=Path)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(two_worker_speedup(asked.folder or Path(scratch), asked.slides)))


if __name__ == "__main__":
    main()
