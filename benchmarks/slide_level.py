"""The slide level in figures: embedding, an epoch on bags that are streamed, and curves in closed form.

    python -m benchmarks.slide_level [--only embed|epoch|curves]

Each is measured by a module of its own, which can say more: :mod:`benchmarks.slide_level_embed`,
:mod:`benchmarks.slide_level_epoch` and :mod:`benchmarks.slide_level_curves`. The last line is one JSON object
with the figures of all that were measured. Aims: embedding at most 1.15 of its floor; an epoch under 2 GB
whatever the cohort; curves 100 times faster than a loop that copies the bag and runs a forward pass per step,
and equal to it to 1e-6 in float64.
"""

import argparse
import importlib
import json
import tempfile
from pathlib import Path

from flows.environment import prepare

PARTS = {
    "embed": "benchmarks.slide_level_embed",
    "epoch": "benchmarks.slide_level_epoch",
    "curves": "benchmarks.slide_level_curves",
}
"""Where each is measured: its ``measure()`` returns figures by name."""

FIGURES = (
    "embed_over_floor", "bag_epoch_seconds", "bag_peak_memory_mb", "curve_speedup", "closed_form_error",
)  # fmt: skip
"""The names of the last line, in its order."""


def main(words: list[str] | None = None) -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=sorted(PARTS), help="measure this alone")
    only = parser.parse_args(words).only
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        prepare(Path(home))  # the allocator, as in every run
        for name in [only] if only else PARTS:
            found |= importlib.import_module(PARTS[name]).measure()
    print(json.dumps({name: found[name] for name in FIGURES if name in found}))


if __name__ == "__main__":
    main()
