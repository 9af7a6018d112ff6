"""The scores of one part of a plan so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.artifacts.faithfulness_report import ReportInfo
from tasks.evaluation.score_rows import ScoreRows
from tasks.evaluation.scored import Scored
from tasks.evaluation.units import Units
from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.source import Opened
from tasks.faithfulness.base import Metric, Probe, UnitScores
from tasks.functional.passes import Passes
from tasks.plugins import recipe_of


@dataclass
class Draft:
    """One metric on the attributions of one explainer, growing block by block.

    ``metric`` is the one that was asked for, and ``scorer`` the same as it scores maps of this kind. Parts
    that score the same samples share their ``units``, which are added once for all of them.
    """

    explainer_id: str
    metric: Metric
    scorer: Metric
    units: Units
    rows: ScoreRows
    explainer: ExplainerLike | None = None
    forward: int = 0
    explained: int = 0
    closed: bool = False
    """Whether terms answered instead of the network."""

    def add_samples(
        self, count: int, scores: UnitScores, probes: Sequence[Probe], pools: bool = False
    ) -> None:
        """Add the scores of the ``count`` samples of a block and the probes that they needed.

        ``pools`` says whether terms answer what they can, which costs one pass for each network.
        """
        self.rows.add(scores)
        distinct = list({probe.key: probe for probe in probes}.values())
        answered = [probe for probe in distinct if pools and probe.pooled is not None]
        changed = [probe for probe in answered if probe.within is not None]
        self.closed |= bool(answered)
        self.forward += (len(changed) + (len(answered) > len(changed))) * count
        for probe in distinct:
            if probe in answered:
                continue
            if probe.explainer is None:
                self.forward += probe.count * count
            else:
                self.explained += probe.count * count

    def add_sections(self, opened: Opened, scores: UnitScores) -> None:
        """Add the scores of the sections of a slide."""
        self.units.add(opened.section_units(scores.sections))
        self.rows.add(scores)

    def finish(self, measures: Mapping[str, float]) -> Scored:
        """Return the result."""
        samples = 0 if self.metric.scores_sections else self.units.count
        fewest = self.forward if self.closed else self.scorer.minimum_forward() * samples
        info = ReportInfo(
            # Without the id: it changes no number, so it must change no byte.
            metric=recipe_of(self.metric),
            scores=self.metric.score_infos(),
            sign=self.scorer.sign,
            rivals=self.metric.rivals,
            excluded=self.rows.counted(),
            passes=self._passes(self.forward, self.explained),
            minimum_passes=self._passes(fewest, self.scorer.minimum_explained() * samples),
        )
        return Scored(self.units, self.rows, info, measures)

    def _passes(self, forward: int, explained: int) -> dict[str, int]:
        """Return the passes by kind; with those of an explainer if the metric calls one."""
        if "attribution" not in self.metric.needs or self.explainer is None:
            return {"forward": forward}
        spent = Passes(forward=forward) + self.explainer.passes() * explained
        return {"forward": spent.forward, "backward": spent.backward, "explained": explained}
