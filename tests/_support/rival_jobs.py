"""A comparison of planted maps in which some reports are changed."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tasks.artifacts.faithfulness_report import INFO, SCORES, FaithfulnessReport
from tasks.comparison.job import ComparedReport, ComparisonJob
from tests._support.traced_jobs import make_traced_job


def without_scores(folder: Path, explainers: set[str], metric: str = "deletion") -> ComparisonJob:
    """Return the traced job in which no unit of ``metric`` could be scored for the ``explainers``."""
    job = make_traced_job(folder)

    def emptied(item: ComparedReport) -> ComparedReport:
        if item.explainer not in explainers or item.metric != metric:
            return item
        return rescored(item, lambda table: table.assign(value=float("nan")))

    return dataclasses.replace(job, reports=tuple(emptied(item) for item in job.reports))


def rescored(
    item: ComparedReport, change: Callable[[pd.DataFrame], pd.DataFrame], folder: Path | None = None
) -> ComparedReport:
    """Return the report with its scores changed, in its own folder or in a new one beside it."""
    scores = change(item.report.scores)
    if folder is None:
        folder = item.report.folder
    else:
        shutil.copytree(item.report.folder, folder)
    scores.to_parquet(folder / SCORES, index=False)
    return dataclasses.replace(item, report=FaithfulnessReport(folder))


def with_blind_rivals(folder: Path, holding: set[str], metric: str = "deletion") -> ComparisonJob:
    """Return the traced job with blind rivals of ``metric``; the controls ``holding`` see a network."""
    job = make_traced_job(folder)

    def changed(item: ComparedReport) -> ComparedReport:
        report = item.report
        if item.metric == metric:
            info = report.info.model_copy(update={"rivals": "blind"})
            (report.folder / INFO).write_text(info.model_dump_json(), encoding="utf-8")
            report = FaithfulnessReport(report.folder)
        return dataclasses.replace(item, report=report, is_blind=item.explainer not in holding)

    return dataclasses.replace(job, reports=tuple(changed(item) for item in job.reports))
