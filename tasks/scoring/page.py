"""The page that a person reads: means beside their controls, and what they mean."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import pandas as pd

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.faithfulness._result import MetricResult
from tasks.scoring.means import Mean, Part
from tasks.statistics.drawing import worth_saying

_ARROWS = {"higher": " ↑", "lower": " ↓", "none": ""}
_FLAGGED = "\N{DAGGER}"
_DASH = "\N{EN DASH}"


class Scored(Protocol):
    """What the page is made of; see :class:`tasks.scoring.table.FaithfulnessTable`."""

    @property
    def results(self) -> Mapping[Part, MetricResult]:
        """By explainer and metric id."""
        ...

    @property
    def unavailable(self) -> Mapping[str, str]:
        """By metric id."""
        ...

    @property
    def passes(self) -> Mapping[str, int]:
        """By kind."""
        ...

    @property
    def each_mean(self) -> Sequence[Mean]:
        """One for each explainer, metric and score."""
        ...

    @property
    def excluded(self) -> pd.DataFrame:
        """One row for each explainer, metric and reason."""
        ...


def page_of(scored: Scored, note: str) -> str:
    """Return the page in markdown; ``note`` is the sentence about its intervals."""
    lines = ["# Faithfulness", "", note, *_legend(scored.each_mean), ""]
    infos = {metric: result.info.scores for (_, metric), result in scored.results.items()}
    for metric, scores in infos.items():
        lines += _section(metric, scores, [m for m in scored.each_mean if m.metric == metric])
    if scored.unavailable:
        lines += ["## Not asked", "", *(f"- `{name}`: {why}" for name, why in scored.unavailable.items()), ""]
    lines += _left_out(scored.excluded)
    lines += ["## Cost", "", _cost(scored.passes), ""]
    return "\n".join(lines)


def _legend(means: Sequence[Mean]) -> Iterator[str]:
    if any(mean.flag for mean in means):
        yield f"{_FLAGGED} not informative here: a control does as well or better."
    excused = dict.fromkeys(mean.metric for mean in means if mean.is_control and not mean.is_rival)
    if excused:
        yield (
            f"Controls that hold an explainer follow a network by construction: in {', '.join(excused)}, "
            "where that is the question, only those that see no network are to be beaten."
        )
    if any(_is_loud(mean) for mean in means):
        yield (
            "±: the standard error that the metric's own draws leave in the mean, where it is more than a "
            "tenth of the interval's half width; more draws make it smaller."
        )


def _section(metric: str, scores: Sequence[ScoreInfo], means: Sequence[Mean]) -> Iterator[str]:
    """Yield the table of one metric: explainers are rows, controls last, scores are columns."""
    yield from (f"## {metric}", "")
    yield _line(["", *(f"{info.name}{_ARROWS[info.direction]}" for info in scores), "images"])
    yield _line(["---"] * (len(scores) + 2))
    ordered = sorted(means, key=lambda mean: mean.is_control)
    for name in dict.fromkeys(mean.explainer for mean in ordered):
        own = {mean.score: mean for mean in ordered if mean.explainer == name}
        first = next(iter(own.values()))
        cells = [_cell(own[info.name]) for info in scores]
        yield _line([f"{name}{' (control)' if first.is_control else ''}", *cells, str(first.scored)])
    yield ""
    yield from (f"- **{info.name}**: {info.meaning}" for info in scores)
    yield ""


def _cell(mean: Mean) -> str:
    if math.isnan(mean.mean):
        return _DASH
    text = _number(mean.mean)
    if not math.isnan(mean.low):
        text += f" [{_number(mean.low)}, {_number(mean.high)}]"
    if _is_loud(mean):
        text += f" ±{_number(mean.monte_carlo)}"
    return text + (f" {_FLAGGED}" if mean.flag else "")


def _is_loud(mean: Mean) -> bool:
    """Say whether the draws matter beside the interval; never so where there is none."""
    return worth_saying(mean.monte_carlo, mean.low, mean.high)


def _number(value: float) -> str:
    """Return three decimals, or three digits where those would say nothing."""
    return f"{value:.3f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.2e}"


def _left_out(excluded: pd.DataFrame) -> Iterable[str]:
    if excluded.empty:
        return []
    said = [
        f"- `{row['metric']}` of {row['explainer']}: {row['images']} images, {row['reason']}"
        for _, row in excluded.iterrows()
    ]
    return ["## Left out", "", *said, ""]


def _cost(passes: Mapping[str, int]) -> str:
    return (
        f"Images through networks: {passes['forward']} forward and {passes['backward']} backward for the "
        f"metrics (the fewest for what they ask: {passes['minimum_forward']} and "
        f"{passes['minimum_backward']}); {passes['maps_forward']} and {passes['maps_backward']} to make maps."
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
