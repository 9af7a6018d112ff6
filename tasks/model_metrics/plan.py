"""Run one model metric: the network as found before and after, its passes counted, a report to store."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.faithfulness_report import INFO, SCORE_COLUMNS, SCORES, ReportInfo
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes, counted_passes
from tasks.model_metrics._tiles import EvaluatedTiles
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.plugins import recipe_of


@dataclass(frozen=True)
class ModelReport:
    """A FaithfulnessReport before it is written, with the files that its metric adds."""

    found: Measured
    info: ReportInfo

    def write(self, out: Path) -> dict[str, float]:
        """Write the payload into the folder ``out`` and return the measures."""
        self.found.scores[list(SCORE_COLUMNS)].to_parquet(out / SCORES, index=False)
        (out / INFO).write_text(self.info.model_dump_json(indent=1), encoding="utf-8")
        for name, write in self.found.files.items():
            write(out / name)
        return dict(self.found.measures)


def measure_model(
    metric: ModelMetric,
    model: Classifier,
    tiles: EvaluatedTiles,
    settings: MeasureSettings,
    advance: Callable[[int], None] = lambda n: None,
) -> ModelReport:
    """Measure ``model`` and return its report.

    Args:
        metric: what is measured.
        model: on ``settings.device``; left as found, also after an exception.
        tiles: what it is measured on.
        settings: target and seed; resources.
        advance: called with the number of tiles just done.

    Raises:
        ModelMetricError: there is no labelled tile.
    """
    least = metric.passes() * len(tiles)
    with leave_as_found(model), counted_passes(model) as counter:
        found = metric.measure(model, tiles, settings, advance)
    info = ReportInfo(
        metric=recipe_of(metric),
        scores=metric.score_infos(),
        excluded=found.excluded,
        passes=_plain(counter.spent),
        minimum_passes=_plain(least),
    )
    return ModelReport(found, info)


def _plain(passes: Passes) -> dict[str, int]:
    return {"forward": passes.forward, "backward": passes.backward}
