"""Arms side by side: the table, the page, the figures and the summary."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.comparison.claiming import judged, unanswered
from tasks.comparison.explaining import faithfulness_rows
from tasks.comparison.extras import FILES as EXTRA_FILES
from tasks.comparison.extras import extras_of, write_extras
from tasks.comparison.figure import draw_comparison
from tasks.comparison.job import ComparisonError, ComparisonJob
from tasks.comparison.page import write_page
from tasks.comparison.predicting import performance_rows
from tasks.comparison.rows import Row, table_of
from tasks.comparison.summary import Summary, summarise
from tasks.statistics.bootstrap import BootstrapSettings
from tasks.statistics.holm import holm

TABLE = "comparison.parquet"
PAGE = "comparison.md"
FIGURE = "comparison.png"
SUMMARY = "comparison.json"
FILES = (PAGE, FIGURE, TABLE, SUMMARY, *EXTRA_FILES)
"""What a comparison may hold; the first four always."""


def compare_arms(job: ComparisonJob, out: Path) -> dict[str, float]:
    """Write ``comparison.parquet``, ``.md``, ``.png`` and ``.json`` into ``out``, and what ``FILES`` adds.

    Returns:
        How many rows and tests there are.

    Raises:
        ComparisonError: there is no checkpoint, the reference arm was not evaluated, or the checkpoints were
            evaluated on different tiles.
    """
    _refuse_what_cannot_be_compared(job)
    rows = compared_rows(job)
    summary = summarise(job, rows)
    extras = extras_of(job, summary, rows)
    table_of(rows).to_parquet(out / TABLE, index=False)
    (out / SUMMARY).write_text(summary.model_dump_json(indent=1), encoding="utf-8")
    (out / PAGE).write_text(write_page(summary, rows, extras), encoding="utf-8")
    draw_comparison(summary, rows, out / FIGURE)
    write_extras(summary, rows, extras, out)
    return {"rows": float(len(rows)), "tests": float(sum(row.kind == "difference" for row in rows))}


def compared_rows(job: ComparisonJob) -> list[Row]:
    """Return all rows, tests corrected within their families; the claims come last."""
    recipe = job.recipe
    settings = BootstrapSettings(draws=recipe.draws, seed=recipe.seed, level=recipe.confidence)
    rows = [*performance_rows(job, settings), *faithfulness_rows(job, settings), *_cost_rows(job)]
    rows += unanswered(recipe.claims, rows)
    corrected = _corrected([_in_family(row, recipe.primary) for row in rows])
    return judged(corrected, recipe.claims, recipe.confidence)


def read_rows(folder: Path) -> pd.DataFrame:
    """Return the table of a stored comparison."""
    return pd.read_parquet(folder / TABLE)


def read_summary(folder: Path) -> Summary:
    """Return the summary of a stored comparison."""
    return Summary.model_validate_json((folder / SUMMARY).read_bytes())


def _in_family(row: Row, primary: str | None) -> Row:
    if row.kind == "difference" and row.name == primary:
        return replace(row, family="primary")
    return row


def _corrected(rows: list[Row]) -> list[Row]:
    """Fill in Holm's p, family by family."""
    corrected = list(rows)
    for family in dict.fromkeys(row.family for row in rows if row.family):
        places = [i for i, row in enumerate(rows) if row.family == family]
        for place, p in zip(places, holm([rows[i].p for i in places]), strict=True):
            corrected[place] = replace(rows[place], p_holm=float(p))
    return corrected


def _cost_rows(job: ComparisonJob) -> list[Row]:
    """Return the mean over seeds of every measure of training, arm by arm."""
    rows = []
    for arm in job.arms:
        measured = [item.measures for item in job.checkpoints if item.arm == arm]
        for name in sorted(set().union(*measured)):
            values = [m[name] for m in measured if name in m]
            rows.append(Row("cost", arm, "training", name, float(np.mean(values)), seeds=len(values)))
    return rows


def _refuse_what_cannot_be_compared(job: ComparisonJob) -> None:
    if not job.checkpoints:
        raise ComparisonError(f"study {job.study!r} has no evaluated checkpoint to compare")
    if job.reference_arm not in {item.arm for item in job.checkpoints}:
        raise ComparisonError(f"the reference arm {job.reference_arm!r} has no evaluated checkpoint")
    first = _tiles(job.checkpoints[0].predictions.table["tile_id"])
    for item in job.checkpoints[1:]:
        if _tiles(item.predictions.table["tile_id"]) != first:
            raise ComparisonError(
                f"{item.arm}, seed {item.seed} was evaluated on other tiles than {job.checkpoints[0].arm}, "
                f"seed {job.checkpoints[0].seed}; evaluate both on the same slides"
            )


def _tiles(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(ids)
