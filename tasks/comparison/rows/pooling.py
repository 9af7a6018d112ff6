"""Pool the folds of a study: each model contributes the slides that its fold held out.

For one arm and seed, each slide is held out by one fold. The concatenated tables of the folds therefore hold
each slide once, and arms are compared on all held-out slides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import pandas as pd

from tasks.artifacts.faithfulness_report import FaithfulnessReport, ReportInfo
from tasks.artifacts.predictions import Predictions
from tasks.comparison.job import ComparedCheckpoint, ComparedReport, ComparisonError

Item = TypeVar("Item", ComparedCheckpoint, ComparedReport)
ByFold = Sequence[tuple[int | None, Item]]
"""Items with their fold, which is None in a study without folds."""


@dataclass(frozen=True)
class PooledPredictions(Predictions):
    """The predictions of several folds. ``folder`` is that of the first fold."""

    folds: tuple[Predictions, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row per tile, fold after fold."""
        return pd.concat([part.table for part in self.folds], ignore_index=True)

    @property
    def tile_ids(self) -> "pd.Series[str]":
        """The tile of each row."""
        return pd.concat([part.tile_ids for part in self.folds], ignore_index=True)

    def of_slide(self, slide: str) -> pd.DataFrame:
        """Return the rows of one slide's tiles, which one fold held out."""
        return pd.concat([part.of_slide(slide) for part in self.folds], ignore_index=True)

    @cached_property
    def slides(self) -> pd.DataFrame:
        """One row per slide, fold after fold."""
        return pd.concat([part.slides for part in self.folds], ignore_index=True)


@dataclass(frozen=True)
class PooledReport(FaithfulnessReport):
    """The scores of one metric in several folds. ``folder`` is that of the first fold."""

    folds: tuple[FaithfulnessReport, ...] = ()

    @property
    def scores(self) -> pd.DataFrame:
        """Long-form scores, fold after fold."""
        return pd.concat([part.scores for part in self.folds], ignore_index=True)

    @property
    def units(self) -> pd.DataFrame:
        """Each scored unit once, fold after fold."""
        return pd.concat([part.units for part in self.folds], ignore_index=True).drop_duplicates("unit_id")

    @property
    def curves(self) -> pd.DataFrame | None:
        """The curves, fold after fold, if the metric traces any."""
        traced = [part.curves for part in self.folds if part.curves is not None]
        return pd.concat(traced, ignore_index=True) if traced else None

    @cached_property
    def curve_names(self) -> tuple[str, ...]:
        """The curves that the metric traces in any fold."""
        return tuple(dict.fromkeys(name for part in self.folds for name in part.curve_names))

    def curve(self, name: str) -> pd.DataFrame:
        """Return one curve of all units, fold after fold."""
        traced = [part.curve(name) for part in self.folds if part.curve_names]
        return pd.concat(traced, ignore_index=True)

    @cached_property
    def info(self) -> ReportInfo:
        """Settings and score meanings of the first fold. Exclusions and passes are sums over folds."""
        infos = [part.info for part in self.folds]
        return infos[0].model_copy(
            update={
                "excluded": _sums(info.excluded for info in infos),
                "passes": _sums(info.passes for info in infos),
                "minimum_passes": _sums(info.minimum_passes for info in infos),
            }
        )


@dataclass(frozen=True)
class PooledFolds:
    """The pooled items. ``words`` tell the page how they were pooled and are empty without folds."""

    checkpoints: tuple[ComparedCheckpoint, ...]
    reports: tuple[ComparedReport, ...]
    words: str = ""


def pool(checkpoints: ByFold[ComparedCheckpoint], reports: ByFold[ComparedReport]) -> PooledFolds:
    """Return one checkpoint per arm and seed, and one report per arm, seed, explainer and metric.

    An arm and seed whose training failed in a fold is left out, because it would be compared on other
    slides. The same holds for reports.

    Raises:
        ComparisonError: a slide is held out by two folds.
    """
    folds = {fold for fold, _ in checkpoints if fold is not None}
    if not folds:
        return PooledFolds(tuple(item for _, item in checkpoints), tuple(item for _, item in reports))
    models: defaultdict[tuple[str, int], dict[int | None, ComparedCheckpoint]] = defaultdict(dict)
    scored: defaultdict[tuple[str, int, str, str], dict[int | None, ComparedReport]] = defaultdict(dict)
    for fold, model in checkpoints:
        models[model.arm, model.seed][fold] = model
    for fold, report in reports:
        scored[report.arm, report.seed, report.explainer, report.metric][fold] = report
    return PooledFolds(
        tuple(_one_model(found) for found in models.values() if folds == set(found)),
        tuple(_one_report(found) for found in scored.values() if folds == set(found)),
        f"each arm and seed pools the held-out slides of {len(folds)} "
        f"{'fold' if len(folds) == 1 else 'folds'}, one model each; a pooled AUROC "
        "mixes the scores of several models, whose scales may differ",
    )


def _one_model(by_fold: Mapping[int | None, ComparedCheckpoint]) -> ComparedCheckpoint:
    """Pool the predictions. The checkpoint is that of the first fold."""
    items = [item for _, item in sorted(by_fold.items(), key=_fold)]
    first, parts = items[0], tuple(item.predictions for item in items)
    _refuse_overlap(first, (part.slides for part in parts))
    return replace(first, predictions=PooledPredictions(parts[0].folder, parts))


def _one_report(by_fold: Mapping[int | None, ComparedReport]) -> ComparedReport:
    items = [item for _, item in sorted(by_fold.items(), key=_fold)]
    first, parts = items[0], tuple(item.report for item in items)
    _refuse_overlap(first, (part.units for part in parts))
    return replace(first, report=PooledReport(parts[0].folder, parts))


def _fold(entry: tuple[int | None, object]) -> int:
    return -1 if entry[0] is None else entry[0]


def _refuse_overlap(item: ComparedCheckpoint | ComparedReport, tables: Iterable[pd.DataFrame]) -> None:
    slides = Counter(slide for table in tables for slide in table["slide_id"].unique())
    twice = [slide for slide, count in slides.items() if count > 1]
    if twice:
        raise ComparisonError(
            f"{item.arm}, seed {item.seed}: slide {twice[0]!r} is held out by {slides[twice[0]]} folds; "
            "pooled results need each slide once"
        )


def _sums(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for part in counts:
        total.update(part)
    return dict(total)
