"""Where a run comes from: what was typed, and which version of the code ran."""

import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tasks.recorded.study import COMMAND
from tasks.tracking.job import PREFECT_PAGE

COMMIT = "mlflow.source.git.commit"
"""MLflow shows the tag of this name as the version of a run."""
VERSION = "veritile.version"
_PATIENCE_S = 5


def run_tags(command: str, flow_run_id: str) -> Mapping[str, str]:
    """Return what MLflow is told of a run besides its results.

    Args:
        command: what was typed.
        flow_run_id: the run in Prefect; empty where there is none.
    """
    return {COMMAND: command, **_in_prefect(flow_run_id), **_code()}


def _in_prefect(flow_run_id: str) -> Mapping[str, str]:
    """Return the id of a run in Prefect, with its page where a server that outlives the run shows it."""
    if not flow_run_id:
        return {}
    from prefect.utilities.urls import url_for  # heavy, and there already where a flow runs

    address = url_for("flow-run", obj_id=flow_run_id)
    return {"prefect.flow_run_id": flow_run_id, **({PREFECT_PAGE: address} if address else {})}


@cache
def _code() -> Mapping[str, str]:
    """Return the version of the code, with its git commit where it runs from a checkout."""
    try:
        tags = {VERSION: version("veritile")}
    except PackageNotFoundError:
        tags = {}
    commit = _git("rev-parse", "HEAD")
    if commit is None or _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return tags
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return {**tags, COMMIT: commit, **({"veritile.uncommitted": "yes"} if changed else {})}


def _git(*words: str) -> str | None:
    """Return what git says of the folder of this file; None where it is no checkout, or git is absent."""
    try:
        done = subprocess.run(  # noqa: S603  # fixed words
            ["git", "-C", str(Path(__file__).parent), *words],  # noqa: S607  # wherever it is installed
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
