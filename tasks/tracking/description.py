"""The description of the study's run: verdict, figures with bounds, the chart, and a heatmap."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from tasks.comparison.analyses.leaderboard import headlines
from tasks.comparison.files import FIGURE, PAGE, read_rows, read_summary
from tasks.comparison.page.main_findings import main_findings
from tasks.comparison.row import Row, rows_of
from tasks.comparison.wording import MOST_COLUMNS, with_interval
from tasks.reporting.heatmaps.draw import SHEET
from tasks.statistics.printing import table as as_table
from tasks.tracking.compared import FIGURES, claims_text
from tasks.tracking.job import PREFECT_PAGE, RecordJob
from tasks.tracking.mlflow_api import MlflowClient
from tasks.tracking.pictures import shrunk

CHART, HEATMAP = "description/chart.png", "description/heatmap.png"
_WIDTH_PX = 720
"""MLflow shows pictures of a description in their own size, in a column of about this width."""
_MOST_FIGURES = 12
_LONGEST_LINE = 400
_PERFORMANCE = ("auroc", "balanced_accuracy")


def log_description(client: MlflowClient, run_id: str, job: RecordJob) -> str:
    """Log the pictures of the description and return its text; without a comparison there is less of it."""
    blocks = [] if job.comparison is None else _compared(job.comparison)
    blocks += _pictures(client, run_id, job)
    place = f"#/experiments/{client.get_run(run_id).info.experiment_id}/runs/{run_id}"
    links = [] if job.comparison is None else [f"[The whole comparison]({place}/artifacts/{PAGE})"]
    links += [] if job.review is None else [f"[The review page]({place}/artifacts/{quote(job.review.name)})"]
    links.append(f"[Heatmaps by slide]({place}/model-metrics)")
    links += [f"[The run in Prefect]({job.tags[PREFECT_PAGE]})"] if job.tags.get(PREFECT_PAGE) else []
    return "\n\n".join([*blocks, " · ".join(links)])


def picture_link(run_id: str, path: str) -> str:
    """Return where MLflow's page finds an artifact of a run: relative to itself, on any host and port.

    A path alone is looked for beside the page, and ``data:`` is taken away by MLflow.
    """
    return f"get-artifact?path={quote(path, safe='')}&run_uuid={run_id}"


def _compared(folder: Path) -> list[str]:
    """Return the verdict and the key figures."""
    table, summary = read_rows(folder), read_summary(folder)
    rows = list(rows_of(table))
    findings = [f"- {_short(line.removeprefix('- '))}" for line in main_findings(summary, rows)]
    claims = [f"- **{_short(line)}**" for line in claims_text(table).splitlines()]
    return ["\n".join([*claims, *findings]), "\n".join(_figures(rows, summary.primary))]


def _figures(rows: Sequence[Row], primary: str | None) -> Iterator[str]:
    """Yield a table: prediction, and of each explainer the score that represents its metric."""
    chosen = headlines(rows, primary)
    told = [row for row in rows if _is_key(row, chosen.get(row.metric))]
    arms = list(dict.fromkeys(row.arm for row in told))
    names = list(dict.fromkeys((row.name, row.direction) for row in told))
    judged = {(row.name, row.arm) for row in rows if row.kind == "against_control"}
    cells = {
        (row.name, row.arm): with_interval(row) + (_lead(row) if (row.name, row.arm) in judged else "")
        for row in told
    }
    shown, columns = names[:_MOST_FIGURES], arms[:MOST_COLUMNS]
    yield from as_table(
        ["figure", "better", *columns],
        [[name, better, *(cells.get((name, arm), "") for arm in columns)] for name, better in shown],
    )
    if (more := len(names) - len(shown)) or len(columns) < len(arms):
        yield f"\n{more} more figures, and all {len(arms)} arms, are in `{FIGURES}`."


def _is_key(row: Row, headline: str | None) -> bool:
    if row.kind == "performance":
        return row.score in _PERFORMANCE
    return row.kind == "faithfulness" and not row.is_control and row.score == headline


def _lead(row: Row) -> str:
    """Return what controls say of a score of maps, for its cell."""
    return " (not ahead of every control)" if row.flag else " (ahead of every control)"


def _pictures(client: MlflowClient, run_id: str, job: RecordJob) -> Iterator[str]:
    """Log the chart and the heatmaps of one slide, small, and yield how the description shows them."""
    if job.comparison is not None:
        client.log_image(run_id, shrunk(job.comparison / FIGURE, _WIDTH_PX), CHART)
        yield f"![The chart of the comparison]({picture_link(run_id, CHART)})"
    if job.heatmaps:
        first = job.heatmaps[0]
        client.log_image(run_id, shrunk(first.folder / SHEET, _WIDTH_PX), HEATMAP)
        yield f"Maps of {first.explainer} on slide {first.slide_id}:"
        yield f"![Heatmaps of one slide]({picture_link(run_id, HEATMAP)})"


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE].rpartition(' ')[0]} ..."
