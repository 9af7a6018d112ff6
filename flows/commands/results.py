"""What a person reads when a study has ended: a table, what failed, and where to look."""

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from flows.engine.outcome import Outcome
from tasks.artifacts.store import Store
from tasks.comparison.wording import MOST_COLUMNS, difference_label
from tasks.reporting.review.write import PAGE


def print_outcome(outcome: Outcome, store: Store, home: Path, console: Console) -> None:
    """Print the results of a study that ended well, which lie in ``store``."""
    console.print(
        f"[bold]{outcome.study}[/]: {len(outcome.executed)} artifacts made, {outcome.reused} reused"
    )
    for slide, why in outcome.failed_slides.items():
        console.print(f"[yellow]slide {escape(slide)} failed:[/] {escape(why.removeprefix(f'{slide}: '))}")
    for label, why in outcome.not_made.items():
        console.print(f"[yellow]{escape(label)} was not made:[/] {escape(why)}")
    if outcome.comparison is None:
        return
    folder = store.path(outcome.comparison)
    print_table(folder, console)
    console.print(f"the whole comparison: {folder / 'comparison.md'}", soft_wrap=True)
    if outcome.review is not None:
        page = store.path(outcome.review) / PAGE
        console.print(f"every map beside its scores, in a browser: {page}", soft_wrap=True)
    console.print(f"heatmaps, curves and models in the browser: veritile ui --home {home}", soft_wrap=True)


def print_table(folder: Path, console: Console) -> None:
    """Print what became of the claims and, where the arms fit beside one another, one line per figure."""
    rows = pd.read_parquet(folder / "comparison.parquet")
    claims = rows[rows["kind"] == "claim"]
    if len(claims):
        console.print(_claims_table(claims))
    figures = rows[
        rows["kind"].isin(["performance", "model", "faithfulness"]) & (rows["direction"] != "none")
    ]
    arms = list(dict.fromkeys(figures["arm"]))
    if len(arms) <= MOST_COLUMNS:
        judged = _judged(rows)
        console.print(_figures_table(figures, arms, judged))
        if judged:
            console.print(_LEGEND, soft_wrap=True)
    else:
        console.print(f"{len(arms)} arms: their figures do not fit beside one another; they are in the page")
    for note in sorted({note for note in figures["note"] if note}):
        console.print(f"  {escape(note)}", soft_wrap=True)


VERDICTS = {
    "reproduced": "green",
    "reversed": "red",
    "equivalent": "cyan",
    "cannot tell": "yellow",
    "not tested": "yellow",
}
AHEAD, NOT_AHEAD = "green", "yellow"
_LEGEND = (
    f"  [{AHEAD}]ahead[/] of every control that sees no trained model, or [{NOT_AHEAD}]not ahead[/] of one "
    "and no evidence here; which one is on the page"
)


def _claims_table(claims: pd.DataFrame) -> Table:
    table = Table("claim", "endpoint", "difference", "verdict", box=None, pad_edge=False)
    for row in claims.to_dict("records"):
        endpoint = f"{row['explainer'] or 'performance'}/{row['metric']}.{row['score']}"
        said = difference_label(row["arm"], row["against"], row["explainer"], row["against_explainer"])
        difference = f"{said}: {_cell(row['value'], row['low'], row['high'])}"
        table.add_row(row["claim"], endpoint, escape(difference), _styled(row["verdict"]))
    return table


def _figures_table(rows: pd.DataFrame, arms: list[str], judged: set[tuple[str, ...]]) -> Table:
    """Return one line per figure and one column per arm: the mean over seeds with its interval.

    A score of maps that stands beside controls says by word and colour whether it is ahead of all of them.
    ``judged`` names those scores as (arm, explainer, metric, score).
    """
    table = Table("", Column("figure", no_wrap=True), "better", *arms, box=None, pad_edge=False)
    for (explainer, metric, score), group in rows.groupby(["explainer", "metric", "score"], sort=False):
        figures = zip(group["arm"], group["value"], group["low"], group["high"], strict=True)
        cells = {str(arm): _cell(float(v), float(low), float(high)) for arm, v, low, high in figures}
        for arm, flag in zip(group["arm"], group["flag"], strict=True):
            if (arm, explainer, metric, score) in judged:
                cells[str(arm)] = _flagged(cells[str(arm)], str(flag))
        control = " (control)" if group["is_control"].any() else ""
        first = f"{explainer or 'performance'}{control}"
        table.add_row(
            first, f"{metric}.{score}", group["direction"].iloc[0], *(cells.get(a, "") for a in arms)
        )
    return table


def _judged(rows: pd.DataFrame) -> set[tuple[str, ...]]:
    """Return which scores of maps were compared with controls."""
    beside = rows[rows["kind"] == "against_control"]
    return set(beside[["arm", "explainer", "metric", "score"]].itertuples(index=False, name=None))


def _flagged(cell: str, flag: str) -> str:
    if cell == "-":
        return cell
    word, colour = ("not ahead", NOT_AHEAD) if flag else ("ahead", AHEAD)
    return f"[{colour}]{escape(cell)} {word}[/]"


def _styled(verdict: str) -> str:
    return f"[{VERDICTS.get(verdict, 'default')}]{verdict}[/]"


def _cell(value: float, low: float, high: float) -> str:
    if value != value:  # NaN: nothing could be scored
        return "-"
    return f"{value:.3f}" if low != low else f"{value:.3f} [{low:.3f}, {high:.3f}]"
