"""Compare the arms of a study: compute all rows and analyses, and write the files."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.comparison.analyses.analyse import analyse
from tasks.comparison.analyses.two_axes import against_best_blind, with_verdict
from tasks.comparison.files import write_files
from tasks.comparison.job import ComparedCheckpoint, ComparisonError, ComparisonJob
from tasks.comparison.row import Row
from tasks.comparison.rows.claims import judged, unanswered
from tasks.comparison.rows.estimates import with_detectable
from tasks.comparison.rows.faithfulness import faithfulness_rows
from tasks.comparison.rows.flags import flagged
from tasks.comparison.rows.performance import performance_rows
from tasks.comparison.summary import summarise
from tasks.statistics.holm import holm


def compare_arms(job: ComparisonJob, out: Path) -> dict[str, float]:
    """Write the files of a comparison into the folder ``out``.

    The four files ``comparison.parquet``, ``.md``, ``.png`` and ``.json`` are always written;
    :data:`tasks.comparison.files.FILES` lists all others. Equal jobs give equal bytes.

    Returns:
        The number of rows and of tests.

    Raises:
        ComparisonError: there is no checkpoint, the reference arm was not evaluated, or the checkpoints were
            evaluated on different tiles.
    """
    _check_comparable(job)
    rows = compared_rows(job)
    summary = summarise(job, rows)
    write_files(summary, rows, analyse(job, summary, rows), out)
    return {"rows": float(len(rows)), "tests": float(sum(row.kind == "difference" for row in rows))}


def compared_rows(job: ComparisonJob) -> list[Row]:
    """Return all rows, with p corrected within each family of tests. The claims come last."""
    recipe = job.recipe
    rows = [*performance_rows(job, recipe.confidence), *faithfulness_rows(job, recipe.confidence)]
    rows += against_best_blind(job, rows)
    rows += unanswered(recipe.claims, rows)
    corrected = with_holm([_in_family(row, recipe.primary) for row in rows])
    known = flagged(with_detectable(corrected, recipe.confidence), recipe.confidence)
    return judged([with_verdict(row, recipe.confidence) for row in known], job)


def _in_family(row: Row, primary: str | None) -> Row:
    if row.kind == "difference" and row.name == primary:
        return replace(row, family="primary")
    return row


def with_holm(rows: list[Row]) -> list[Row]:
    """Return ``rows`` with Holm's p, corrected family by family."""
    corrected = list(rows)
    families: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        families[row.family].append(i)
    for members in (found for family, found in families.items() if family):
        tests = zip(
            members,
            holm([rows[i].p for i in members]),
            holm([rows[i].p_within for i in members]),
            strict=True,
        )
        for member, p, within in tests:
            corrected[member] = replace(rows[member], p_holm=float(p), p_within_holm=float(within))
    return corrected


def _check_comparable(job: ComparisonJob) -> None:
    if not job.checkpoints:
        raise ComparisonError(f"study {job.study!r} has no evaluated checkpoint to compare")
    if job.reference_arm not in {item.arm for item in job.checkpoints}:
        raise ComparisonError(f"the reference arm {job.reference_arm!r} has no evaluated checkpoint")
    first = job.checkpoints[0]
    for item in job.checkpoints[1:]:
        if not np.array_equal(_asked_about(job, item), _asked_about(job, first)):
            raise ComparisonError(
                f"{item.arm}, seed {item.seed} was evaluated on other {job.level}s than {first.arm}, "
                f"seed {first.seed}; evaluate both on the same slides"
            )


def _asked_about(job: ComparisonJob, item: ComparedCheckpoint) -> "pd.Series[str]":
    """Return the ids of what a model was asked about."""
    slides: pd.Series[str] = item.predictions.slides["slide_id"]
    return slides if job.level == "slide" else item.predictions.tile_ids
