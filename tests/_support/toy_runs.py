"""Runs the three stages of ``cluster_stages`` in this process."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.engine.execute import RunResult, execute
from flows.engine.plan import Plan
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions
from flows.engine.runners.base import NotMadeError
from flows.engine.stages import all_stages
from flows.open_study import open_study
from tests._support import cluster_stages as toys
from tests._support.studies import tiny_config


def install(put: Callable[[Any, str, Any], None]) -> None:
    """Let the engine of this process see the three stages; ``put`` sets an attribute of a module."""
    for name in toys.IN:
        put(importlib.import_module(f"flows.engine.{name}"), "stage_named", toys.named)
    put(importlib.import_module("flows.engine.plan"), "all_stages", lambda: toys.STAGES)
    rerun = importlib.import_module("flows.engine.rerun")
    put(rerun, "ancestors", toys.BEFORE.__getitem__)
    put(rerun, "stages_of", lambda word: (toys.named(word),))
    put(importlib.import_module("flows.engine.cluster.connection"), "Presence", toys.ToyPresence)
    all_stages.cache_clear()


def plan_toys(manifest: Path, home: Path, minutes: dict[str, float] | None = None, **resources: Any) -> Plan:
    config = tiny_config(manifest, resources=resources, failures={"max_failed_slides": 0.5})
    # Set afterwards: a study file names stages that ship, and these do not.
    config.resources.timeout_minutes.update(minutes or {})
    return Plan(open_study(config, home, None))


def run_toys(manifest: Path, home: Path, options: RerunOptions | None = None, **resources: Any) -> RunResult:
    return execute(plan_toys(manifest, home, **resources), options or RerunOptions(), told, {})


def told(request):
    """Build in the calling thread, and return the error as a Prefect task would."""
    try:
        fulfil(request)
    except (ValueError, OSError, NotMadeError) as error:
        return error
    return None


def will(home: Path, **behaviour: tuple[str, int]) -> None:
    """Say what builds do, such as ``x=("die", 2)``: in its first two attempts."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "behaviour.json").write_text(json.dumps(behaviour))


if __name__ == "__main__":
    # The victim: a run on a cluster of this machine, one of whose builds hangs.
    install(setattr)
    will(Path(sys.argv[2]), x=("hang", 9))
    run_toys(Path(sys.argv[1]), Path(sys.argv[2]), runner="dask", cluster={"workers": 1})
