"""How long the quickstart study takes, from nothing and when everything is reused.

    python -m benchmarks.study [--home FOLDER]

The seconds of a stage are the sum over its parts, as the artifacts' own records say; the two times of the
whole are wall clock of the command, installing left out.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tasks.artifacts.store import Store

ROOT = Path(__file__).parents[1]
KINDS = {
    "TileSet": "tile",
    "Checkpoint": "train",
    "Predictions": "explain",
    "Attributions": "explain",
    "Heatmaps": "explain",
    "FaithfulnessReport": "evaluate",
    "Comparison": "compare",
    "Recording": "record",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, help="a folder to keep; a temporary one by default")
    chosen = parser.parse_args().home
    with tempfile.TemporaryDirectory() as temporary:
        home = (chosen or Path(temporary)).resolve()
        figures = measure(home)
    for name, value in figures.items():
        print(f"{name:22} {value}")
    print(json.dumps(figures))


def measure(home: Path) -> dict[str, object]:
    """Return the figures of one quickstart below ``home``."""
    configs = home / "pipeline_configs"
    configs.mkdir(parents=True)
    study = configs / "quickstart.yaml"
    study.write_text(
        (ROOT / "pipeline_configs" / "quickstart.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    state = home / ".veritile"
    recipe = ROOT / "data_manifests" / "quickstart.yaml"
    phantom = timed("phantom", str(state / "quickstart"), "--recipe", str(recipe))
    first = timed("run", str(study), "--home", str(state))
    second = timed("run", str(study), "--home", str(state))
    return {
        "quickstart_seconds": round(phantom + first, 1),
        "cached_study_seconds": round(second, 1),
        "home_mb": round(sum(p.stat().st_size for p in state.rglob("*") if p.is_file()) / 1e6),
        "stage_seconds": stage_seconds(state),
    }


def timed(*words: str) -> float:
    """Run one command and return its seconds."""
    started = time.perf_counter()
    subprocess.run([str(Path(sys.executable).with_name("veritile")), *words], check=True)
    return time.perf_counter() - started


def stage_seconds(state: Path) -> dict[str, float]:
    """Return the summed seconds of the parts of each stage; evaluate sums the shares of its plans."""
    store, seconds = Store(state), defaultdict[str, float](float)
    for kind, stage in KINDS.items():
        seconds[stage] += sum(record.measures["seconds"] for record in store.records(kind))
    return {stage: round(value, 1) for stage, value in seconds.items()}


if __name__ == "__main__":
    main()
