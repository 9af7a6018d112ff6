"""A whole study on a disk that is full: in a process of its own, as it might be killed by the kernel.

    python -m tests._support.full_disk CONFIG.json HOME [LIMIT]

runs the study without servers and ends as the command does: a sentence on stderr and exit code 1. ``LIMIT``
is the most bytes that a file may have; a larger one is refused as by a full disk.
"""

import hashlib
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from flows.config import StudyConfig
from flows.engine.execute import execute
from flows.engine.outcome import settle
from flows.engine.plan import Plan
from flows.engine.request import BuildRequest, fulfil
from flows.engine.rerun import RerunOptions
from flows.exit_codes import FAILURES
from flows.open_study import open_study
from tests._support.studies import tiny_config

EVERY_STAGE: dict[str, Any] = {
    "tile": {"mpp": 1.0, "tile_px": 32, "thumbnail_px": 256, "keep": "pixels"},
    "train": {
        "arms": [{"id": "standard"}],
        "seeds": [0],
        "recipe": {"network": {"width": 0.125}, "epochs": 2, "batch": 16},
    },
    "explain": {
        "explainers": [{"name": "gradient"}],
        "controls": [{"name": "random_map"}],
        "exemplars": [{"name": "nearest_tiles"}],
    },
    "evaluate": {
        "metrics": [{"name": "gini"}, {"name": "deletion", "steps": 4, "tiles_per_slide": 8}],
        "model_metrics": [{"name": "gradient_scale"}],
    },
}
"""The blocks of a study of tiles in which nearly every stage has something to make."""


def config_of_every_stage(manifest: Path) -> StudyConfig:
    """Return that study of the tiny cohort."""
    return tiny_config(manifest, **EVERY_STAGE)


def started(config: Path, home: Path, limit: int | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the study in ``home`` in a process of its own."""
    words = [sys.executable, "-m", "tests._support.full_disk", str(config), str(home)]
    root = Path(__file__).parents[2]
    return subprocess.run(
        [*words, *([str(limit)] if limit else [])], cwd=root, capture_output=True, text=True, check=False
    )


def stored_bytes(home: Path, *kinds: str) -> dict[str, str]:
    """Return the sha256 of every payload file in the store of ``home``, by its path."""
    root = home / "store"
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "artifact.json" and path.relative_to(root).parts[0] not in kinds
    }


def told(request: BuildRequest) -> BaseException | None:
    """Build in the calling thread, and return the error as a Prefect task would."""
    try:
        fulfil(request)
    except Exception as error:  # noqa: BLE001  # as a task of Prefect does
        return error
    return None


def main(words: list[str]) -> int:
    """Run the study and return the exit code."""
    config = StudyConfig.model_validate_json(Path(words[0]).read_text(encoding="utf-8"))
    if len(words) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(words[2]), resource.RLIM_INFINITY))
    try:
        plan = Plan(open_study(config, Path(words[1]), None))
        settle(execute(plan, RerunOptions(), told, {}))
    except FAILURES as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
