"""The page of a report: means beside their controls, and their meaning."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import pandas as pd

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evaluation.result import MetricResult
from tasks.scoring.means import MeanScore, Pair
from tasks.statistics.drawing import worth_saying
from tasks.statistics.printing import ARROWS, DRAWN, FLAGGED, interval, number, table


class ScoredTable(Protocol):
    """The content of the page; see :class:`tasks.scoring.table.FaithfulnessTable`."""

    @property
    def results(self) -> Mapping[Pair, MetricResult]:
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
    def notes(self) -> Sequence[str]:
        """Sentences about the network and the maps."""
        ...

    @property
    def samples(self) -> str:
        """What is scored, in words."""
        ...

    @property
    def each_mean(self) -> Sequence[MeanScore]:
        """One for each explainer, metric and score."""
        ...

    @property
    def excluded(self) -> pd.DataFrame:
        """One row for each explainer, metric and reason."""
        ...


def page_of(scored: ScoredTable, note: str) -> str:
    """Return the page in markdown; ``note`` is the sentence about its intervals."""
    lines = ["# Faithfulness", "", note, *_legend(scored.each_mean), ""]
    if scored.notes:
        lines += ["## Know first", "", *(f"- {sentence}" for sentence in scored.notes), ""]
    infos = {metric: result.info.scores for (_, metric), result in scored.results.items()}
    for metric, scores in infos.items():
        means = [m for m in scored.each_mean if m.metric == metric]
        lines += _section(metric, scores, means, scored.samples)
    if scored.unavailable:
        lines += ["## Not asked", "", *(f"- `{name}`: {why}" for name, why in scored.unavailable.items()), ""]
    lines += _left_out(scored.excluded, scored.samples)
    lines += ["## Cost", "", _cost(scored.passes, scored.samples), ""]
    return "\n".join(lines)


def _legend(means: Sequence[MeanScore]) -> Iterator[str]:
    if any(mean.flag for mean in means):
        yield (
            f"{FLAGGED} no evidence here: behind a control or not told apart from one, by the interval "
            "of the paired difference on the same images."
        )
    excused = dict.fromkeys(mean.metric for mean in means if mean.is_control and not mean.is_rival)
    if excused:
        yield (
            f"Controls that hold an explainer follow a network by construction: in {', '.join(excused)}, "
            "where that is the question, only those that see no network are to be beaten."
        )
    if any(_is_loud(mean) for mean in means):
        yield (
            f"{DRAWN}: the standard error that the metric's own draws leave in the mean, where it is more "
            "than a tenth of the interval's half width; more draws make it smaller."
        )


def _section(
    metric: str, scores: Sequence[ScoreInfo], means: Sequence[MeanScore], samples: str
) -> Iterator[str]:
    """Yield the table of one metric: explainers are rows, controls last, scores are columns."""
    yield from (f"## {metric}", "")
    head = ["", *(f"{info.name} {ARROWS[info.direction]}".rstrip() for info in scores), samples]
    ordered = sorted(means, key=lambda mean: mean.is_control)
    names = dict.fromkeys(mean.explainer for mean in ordered)
    yield from table(head, [_row(name, scores, ordered) for name in names])
    yield ""
    yield from (f"- **{info.name}**: {info.meaning}" for info in scores)
    yield ""


def _row(name: str, scores: Sequence[ScoreInfo], means: Sequence[MeanScore]) -> list[str]:
    own = {mean.score: mean for mean in means if mean.explainer == name}
    first = next(iter(own.values()))
    title = f"{name}{' (control)' if first.is_control else ''}"
    return [title, *(_cell(own[info.name]) for info in scores), str(first.scored)]


def _cell(mean: MeanScore) -> str:
    text = interval(mean.mean, mean.low, mean.high)
    if _is_loud(mean):
        text += f" {DRAWN} {number(mean.monte_carlo)}"
    return text + (f" {FLAGGED}" if mean.flag else "")


def _is_loud(mean: MeanScore) -> bool:
    """Return whether the Monte Carlo error matters beside the interval; False without an interval."""
    return worth_saying(mean.monte_carlo, mean.low, mean.high)


def _left_out(excluded: pd.DataFrame, samples: str) -> Iterable[str]:
    if excluded.empty:
        return []
    said = [
        f"- `{row['metric']}` of {row['explainer']}: {row['images']} {samples}, {row['reason']}"
        for _, row in excluded.iterrows()
    ]
    return ["## Left out", "", *said, ""]


def _cost(passes: Mapping[str, int], samples: str) -> str:
    return (
        f"{samples.capitalize()} through networks: {passes['forward']} forward and {passes['backward']} "
        f"backward for the metrics (the fewest for what they ask: {passes['minimum_forward']} and "
        f"{passes['minimum_backward']}); {passes['maps_forward']} and {passes['maps_backward']} to make maps."
    )
