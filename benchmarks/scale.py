"""How a study grows from ten to a thousand slides, and what a second worker brings.

    python -m benchmarks.scale [--slides 10 30 100 300 1000] [--skip-workers] [--skip-fuzz]

Each cohort is one of phantom slides of 48 tiles with a label each, half of them to train on. The study tiles
and embeds them, trains a slide model, explains and judges its maps, compares, reviews and records: the whole
command, in a process of its own, whose peak memory is sampled with that of its children. ``exponent`` is the
slope of log seconds over log slides above the smallest cohort, after the seconds of an empty start are taken
off: 1 is linear. The last line of the output is one JSON object.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from tasks.phantoms.bags.generate import generate_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe

SLIDES = (10, 30, 100, 300, 1000)
VERITILE = "from flows.cli import main; main()"
SAMPLED_S = 0.2


def study_of(folder: Path, slides: int) -> Path:
    """Draw ``slides`` slides below ``folder`` and return the file of their study."""
    folder.mkdir(parents=True)
    fourth = max(1, slides // 5)
    recipe = BagPhantomRecipe(
        train=max(4, slides - 2 * max(4, fourth)), val=max(4, fourth), test=max(4, fourth), stain_spread=0.2
    )
    manifest = generate_bags(folder / "cohort", recipe, lambda done: None)
    study = {
        "study": f"scale_{slides}",
        "level": "slide",
        "manifest": str(manifest),
        "device": "cpu",
        "cpu_threads": 1,
        "tile": {"mpp": 0.5, "tile_px": 64, "classes": ["negative", "positive"], "thumbnail_px": 256},
        "embed": {"encoder": {"name": "colour_statistics"}},
        "train": {
            "arms": [{"id": "attention", "model": {"name": "abmil", "embed": 32, "attention": 16}}],
            "seeds": [0],
            "recipe": {
                "classes": ["negative", "positive"], "target_class": "positive", "epochs": 5, "batch": 8,
            },
        },
        "explain": {"explainers": ["contribution"], "controls": ["darkness"], "drawn_slides": 4},
        "evaluate": {"metrics": ["tile_deletion"]},
        "compare": {},
    }  # fmt: skip
    (folder / "study.yaml").write_text(json.dumps(study), encoding="utf-8")
    return folder / "study.yaml"


def run(config: Path, home: Path) -> tuple[float, float]:
    """Run a study and return its seconds and its peak memory in megabytes, children included."""
    words = [sys.executable, "-c", VERITILE, "run", str(config), "--home", str(home)]
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    watch = _Peak(process.pid)
    watch.start()
    code = process.wait()
    seconds = time.perf_counter() - started
    watch.join()
    if code:
        raise SystemExit(f"{config} ended with exit code {code}")
    return seconds, watch.peak / 1e6


class _Peak(threading.Thread):
    """Samples the resident memory of a process and its children until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process, self.peak = psutil.Process(pid), 0

    def run(self) -> None:
        """Sample."""
        while True:
            try:
                family = [self._process, *self._process.children(recursive=True)]
                if self._process.status() == psutil.STATUS_ZOMBIE:
                    return
                self.peak = max(self.peak, sum(_resident(each) for each in family))
            except psutil.NoSuchProcess:
                return
            time.sleep(SAMPLED_S)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def exponent(slides: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the slope of log seconds over log slides, with the cost of a start taken off.

    The cost of a start is what the straight line through the two smallest cohorts has at no slide.
    """
    if len(slides) < 3:
        return float("nan")
    rise = (seconds[1] - seconds[0]) / (slides[1] - slides[0])
    start = max(0.0, seconds[0] - rise * slides[0])
    net = np.maximum(np.asarray(seconds[1:]) - start, 1e-9)
    return float(np.polyfit(np.log(slides[1:]), np.log(net), 1)[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slides", type=int, nargs="+", default=list(SLIDES))
    parser.add_argument("--skip-workers", action="store_true")
    parser.add_argument("--skip-fuzz", action="store_true")
    chosen = parser.parse_args()
    figures: dict[str, object] = {"slides": chosen.slides, "seconds": [], "peak_memory_mb": []}
    seconds: list[float] = []
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for count in chosen.slides:
            place = Path(folder) / str(count)
            took, peak = run(study_of(place, count), place / "home")
            seconds.append(round(took, 1))
            memory.append(round(peak))
            print(f"{count} slides: {took:.1f} s, {peak:.0f} MB", flush=True)
    figures |= {
        "seconds": seconds,
        "peak_memory_mb": memory,
        "exponent": round(exponent(chosen.slides, seconds), 3),
    }
    if not chosen.skip_workers:
        from benchmarks.scale_workers import two_worker_speedup

        with tempfile.TemporaryDirectory() as folder:
            figures["two_worker_speedup"] = two_worker_speedup(Path(folder))["two_worker_speedup"]
    if not chosen.skip_fuzz:
        from benchmarks.fuzzing import fuzz

        found = fuzz()
        figures |= {"fuzzed_inputs": found["fuzzed_inputs"], "tracebacks": found["tracebacks"]}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
