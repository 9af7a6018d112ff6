"""One run on a GPU that may be lent once: does it agree with the CPU, and how fast is it.

    python -m benchmarks.gpu [--minutes 8]
    python -m benchmarks.gpu --tiny --device cpu

Every figure is one line of JSON on stdout as soon as it is known: a run that is cut off leaves what it has.
What matters most comes first, and an item that no time is left for is a line that says so. The second command
is the rehearsal: the same code on small inputs. The last line is the summary. ``docs/benchmarks.md`` says how
to read it.
"""

import argparse
import json
import platform
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.gpu_agreement import explainers_agree, metrics_agree, steps_agree
from benchmarks.gpu_setting import GpuSetting
from benchmarks.gpu_speed import (
    compiled_training_speed,
    evaluating_speed,
    explaining_speed,
    feed_speed,
    training_speed,
)
from tasks.functional.arithmetic import promise_float32

Figures = Mapping[str, Any]
Item = tuple[str, Callable[[], Figures]]
"""A name, and what measures it."""

SECTIONS: Mapping[str, Callable[[GpuSetting], Iterator[Item]]] = {
    "step agreement": steps_agree,
    "training": training_speed,
    "explainer agreement": explainers_agree,
    "explaining": explaining_speed,
    "metric agreement": metrics_agree,
    "evaluating": evaluating_speed,
    "feed": feed_speed,
    "compiled training": compiled_training_speed,
}
"""In the order in which they are made: compiling takes minutes, and comes last."""

RESERVE = {"compiled training": 100.0}
"""Seconds that an item of a section may take; it is not begun with less left. Elsewhere :data:`SHORT`."""
SHORT = 25.0

AGREES = 1e-3
"""Relative difference from the CPU up to which float32 on another device is the same."""


@dataclass(frozen=True)
class Budget:
    """The clock that ends a run by itself."""

    ends: float

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.ends - time.perf_counter()


def main(words: list[str] | None = None) -> None:
    """Measure, and print one line per figure and the summary."""
    options = parse(words)
    started = time.perf_counter()
    budget = Budget(started + 60 * options.minutes)
    setting = GpuSetting.tiny(options.device) if options.tiny else GpuSetting.full(options.device)
    lines = []
    for line in measured(setting, budget, options.only):
        print(json.dumps(line), flush=True)
        lines.append(line)
    print(json.dumps(summary(setting, lines) | {"seconds": round(time.perf_counter() - started, 1)}))


def parse(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--minutes", type=float, default=8.0, help="the run ends by itself after so many")
    parser.add_argument(
        "--tiny", action="store_true", help="small inputs: a rehearsal, whose speeds mean nothing"
    )
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), help="some sections alone")
    return parser.parse_args(words)


def measured(setting: GpuSetting, budget: Budget, only: list[str] | None = None) -> Iterator[Figures]:
    """Yield one line for every item; one that fails or has no time left says so, and the next is made."""
    yield {"section": "machine", **machine(setting)}
    for section, items in SECTIONS.items():
        if only and section not in only:
            continue
        needed = 0.0 if setting.rehearsal else RESERVE.get(section, SHORT)
        for name, measure in items(setting):
            head = {"section": section, "item": name}
            if budget.left < needed:
                yield head | {"skipped": f"{max(0.0, budget.left):.0f} s are left"}
                continue
            promise_float32()
            reset_memory(setting.device)
            begun = time.perf_counter()
            try:
                figures: Figures = measure()
            except (RuntimeError, ValueError, AssertionError, TypeError, KeyError, OSError) as error:
                # What one item cannot do must not cost the others, which may not be asked again.
                where = traceback.extract_tb(error.__traceback__)[-1]
                figures = {"failed": f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"}
            spent = round(time.perf_counter() - begun, 2)
            yield head | dict(figures) | {"seconds": spent, "peak_memory_mb": peak_memory(setting.device)}


def machine(setting: GpuSetting) -> Figures:
    """Return what the figures depend on."""
    cuda = setting.device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if cuda else None,
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "rehearsal": setting.rehearsal,
    }


def summary(setting: GpuSetting, lines: list[Figures]) -> dict[str, Any]:
    """Return the last line of the run."""
    names = [str(line["item"]) for line in lines if "item" in line]
    rates = {
        section: {line["item"]: line["tiles_per_second"] for line in of(lines, section, "tiles_per_second")}
        for section in ("training", "compiled training", "explaining", "evaluating")
    }
    apart = {
        section: {line["item"]: line["apart"] for line in of(lines, section, "apart")}
        for section in SECTIONS
        if section.endswith("agreement")
    }
    return {
        "device": lines[0]["device"],
        "agrees": {name: sum(v <= AGREES for v in each.values()) for name, each in apart.items()},
        "asked": {name: len(each) for name, each in apart.items()},
        "disagree": sorted(
            f"{n}: {i}" for n, each in apart.items() for i, v in each.items() if not v <= AGREES
        ),
        "tiles_per_second": rates,
        "waiting": {
            line["item"]: line["waiting_for_data"] for line in of(lines, "training", "waiting_for_data")
        },
        "peak_memory_mb": max((line.get("peak_memory_mb", 0) for line in lines), default=0),
        "failed": [f"{line['section']}: {line['item']}" for line in lines if "failed" in line],
        "skipped": [f"{line['section']}: {line['item']}" for line in lines if "skipped" in line],
        "items": len(names),
    }


def of(lines: list[Figures], section: str, key: str) -> list[Figures]:
    """Return the lines of a section that have a figure."""
    return [line for line in lines if line["section"] == section and key in line]


def reset_memory(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_memory(device: str) -> int:
    return torch.cuda.max_memory_allocated() >> 20 if device.startswith("cuda") else 0


if __name__ == "__main__":
    main()
