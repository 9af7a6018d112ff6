"""veritile score: maps of images or of bags are scored by a flow that needs neither slides nor a store."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.config import refuse_secrets
from flows.config_errors import sentences
from flows.progress import item_bar, shown
from flows.showing.address import server_of, silence_of
from flows.yaml_files import read_yaml
from tasks.scoring.bags.job import BagScoreJob, score_bags
from tasks.scoring.job import ScoreJob, score_job
from tasks.scoring.table import MEANS, PAGE, SAID
from tasks.study.errors import ConfigError

AnyScoreJob = ScoreJob | BagScoreJob
"""A job of images or of bags. A file that names ``features`` is of bags."""


def _scored(job: AnyScoreJob, root: Path, advance: Callable[[int], None]) -> Path:
    if isinstance(job, BagScoreJob):
        return score_bags(job, root, advance)
    return score_job(job, root, advance)


_score_maps = task(name="score", cache_policy=NO_CACHE, persist_result=False)(_scored)


@flow(name="score")
def score(job: AnyScoreJob | Path, root: Path | None = None) -> Path:
    """Score the maps of one job and return the folder of the report.

    Args:
        job: the job, or the path of its file.
        root: the folder that its paths start from; that of its file by default.
    """
    if isinstance(job, Path):
        return _score(load_job(job), root or job.parent)
    return _score(job, root or Path())


def score_file(path: Path, home: Path, console: Console) -> None:
    """Score the maps of the job at ``path`` and print the means; a Prefect server that is up shows it."""
    # Here, so that a mistake in the file is told before Prefect starts.
    job = load_job(path)
    with shown(console):
        url = server_of(home)
        shows = url is not None and not silence_of(url)
        folder = score(job, path.parent) if shows else _scored_here(job, path.parent)
    print_means(folder, console)


def _scored_here(job: AnyScoreJob, root: Path) -> Path:
    with item_bar("scores of maps") as advance:
        return _scored(job, root.resolve(), advance)


def load_job(path: Path) -> AnyScoreJob:
    """Read a job file.

    Raises:
        ConfigError: with every problem of the file at once.
    """
    if not path.is_file():
        raise ConfigError(f"no job file at {path}")
    data = read_yaml(path)
    kind = BagScoreJob if isinstance(data, dict) and "features" in data else ScoreJob
    try:
        refuse_secrets(data)
    except ValueError as error:
        raise ConfigError(f"{path.name}: {error}") from error
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        told = sentences(error, data, kind)
        raise ConfigError("\n".join(f"{path.name}: {sentence}" for sentence in told)) from None


def print_means(folder: Path, console: Console) -> None:
    """Print a line a figure, what could not be asked, and where the page is."""
    table = Table("", "figure", "better", "mean", "", box=None, pad_edge=False)
    means = pd.read_csv(folder / MEANS).fillna({"flag": ""})
    for row in means.to_dict("records"):
        who = f"{row['explainer']}{' (control)' if row['is_control'] else ''}"
        cell = _cell(row["mean"], row["low"], row["high"])
        table.add_row(who, f"{row['metric']}.{row['score']}", row["direction"], cell, row["flag"])
    console.print(table)
    said = json.loads((folder / SAID).read_text(encoding="utf-8"))
    for note in said["notes"]:
        console.print(f"  {escape(note)}", soft_wrap=True)
    for metric, why in said["unavailable"].items():
        console.print(f"  {escape(metric)}: {escape(why)}", soft_wrap=True)
    console.print(f"the whole report: {folder / PAGE}", soft_wrap=True)


def _score(job: AnyScoreJob, root: Path) -> Path:
    with item_bar("scores of maps") as advance:
        return _score_maps(job, root.resolve(), advance)


def _cell(mean: float, low: float, high: float) -> str:
    if math.isnan(mean):
        return "-"
    return f"{mean:.3f}" if math.isnan(low) else f"{mean:.3f} [{low:.3f}, {high:.3f}]"
