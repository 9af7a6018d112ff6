"""Verb: score maps made elsewhere."""

from collections.abc import Callable
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.scoring.job import ScoreJob, carry_out


@task(name="score", cache_policy=NO_CACHE, persist_result=False)
def score(job: ScoreJob, root: Path, advance: Callable[[int], None] = lambda n: None) -> Path:
    """Return the folder of the finished report; the paths of ``job`` start from ``root``."""
    return carry_out(job, root, advance)
