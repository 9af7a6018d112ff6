"""The scores of one part of a plan so far, still on the device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from tasks.artifacts.faithfulness_report import ReportInfo
from tasks.evaluation.result import UNIT_COLUMNS, MetricResult, curve_table, exclusions, score_table
from tasks.evidence.block import Block
from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.source import Opened
from tasks.faithfulness.base import Metric, Probe, UnitScores
from tasks.functional.passes import Passes
from tasks.plugins import recipe_of


@dataclass
class Draft:
    """One metric on the attributions of one explainer, growing block by block.

    ``metric`` is the one that was asked for, and ``scorer`` the same as it scores maps of this kind.
    """

    explainer_id: str
    metric: Metric
    scorer: Metric
    explainer: ExplainerLike | None = None
    units: list[pd.DataFrame] = field(default_factory=list)
    scores: list[UnitScores] = field(default_factory=list)
    forward: int = 0
    explained: int = 0

    def add_samples(self, block: Block, scores: UnitScores, probes: Sequence[Probe]) -> None:
        """Add the scores of the samples of a block and the probes that they needed."""
        self._add(block.units(), scores)
        for probe in {probe.key: probe for probe in probes}.values():
            images = probe.count * len(block.rows)
            if probe.explainer is None:
                self.forward += images
            else:
                self.explained += images

    def add_sections(self, opened: Opened, scores: UnitScores) -> None:
        """Add the scores of the sections of a slide."""
        self._add(opened.section_units(scores.sections), scores)

    def finish(self, on_host: Sequence[UnitScores], measures: Mapping[str, float]) -> MetricResult:
        """Return the result; ``on_host`` are :attr:`scores` on the host."""
        empty = pd.DataFrame(columns=UNIT_COLUMNS)
        units = pd.concat(self.units, ignore_index=True) if self.units else empty
        infos = self.metric.score_infos()
        samples = 0 if self.metric.scores_sections else len(units)
        info = ReportInfo(
            # Without the id: it changes no number, so it must change no byte.
            metric=recipe_of(self.metric),
            scores=infos,
            sign=self.scorer.sign,
            rivals=self.metric.rivals,
            excluded=exclusions(on_host),
            passes=self._passes(self.forward, self.explained),
            minimum_passes=self._passes(
                self.scorer.minimum_forward() * samples, self.scorer.minimum_explained() * samples
            ),
        )
        table = score_table(units, [score.name for score in infos], on_host)
        return MetricResult(table, curve_table(units, on_host), info, measures)

    def _passes(self, forward: int, explained: int) -> dict[str, int]:
        """Return the passes by kind; with those of an explainer if the metric calls one."""
        if "attribution" not in self.metric.needs or self.explainer is None:
            return {"forward": forward}
        spent = Passes(forward=forward) + self.explainer.passes() * explained
        return {"forward": spent.forward, "backward": spent.backward, "explained": explained}

    def _add(self, units: pd.DataFrame, scores: UnitScores) -> None:
        self.units.append(units[UNIT_COLUMNS])
        self.scores.append(scores)
