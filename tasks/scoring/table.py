"""The result: every score of every map, their means, and the metrics that were not available."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS
from tasks.evaluation.result import MetricResult
from tasks.scoring.errors import ScoringError
from tasks.scoring.means import MeanScore, Pair, interval_note, means_of
from tasks.scoring.page import page_of

REPORTS = "reports"
PAGE = "report.md"
MEANS = "means.csv"
SAID = "score.json"
CURVE_COLUMNS = ("unit_id", "slide_id", "curve", "fraction", "value")
_PRIVATE = ["patient_id"]
_NO_NOTES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class FaithfulnessTable:
    """The scores of some explainers by some metrics on the same images.

    Attributes:
        results: by explainer and metric id, each what a FaithfulnessReport holds.
        unavailable: by metric id, why it was not available.
        controls: which explainers are controls.
        blind: the controls that see no network; for some metrics only these are rivals.
        recipes: by explainer, its settings; None for given maps.
        passes: images sent through networks: ``forward`` and ``backward`` by the metrics, with
            ``minimum_forward`` and ``minimum_backward`` for the union of what they ask, ``explained`` the
            maps made anew for them; ``maps_forward`` and ``maps_backward`` to make the maps that are judged.
        patients: the patient of each image; empty where none is named.
        notes: sentences about the network and the maps that change what the numbers mean.
        samples: what is scored, in words: images or slides.
    """

    results: Mapping[Pair, MetricResult]
    unavailable: Mapping[str, str]
    controls: tuple[str, ...]
    blind: tuple[str, ...]
    recipes: Mapping[str, Any]
    passes: Mapping[str, int]
    patients: tuple[str, ...]
    notes: tuple[str, ...] = ()
    samples: str = "images"

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every score of every image: explainer, metric, then the columns of a FaithfulnessReport.

        The key of an image is its ``unit_id``; ``error`` is the standard error of the metric's own draws.
        """
        return _joined({part: result.scores for part, result in self.results.items()}, SCORE_COLUMNS)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Every curve: explainer, metric, unit_id, slide_id, curve, fraction, value."""
        traced = {part: result.curves for part, result in self.results.items() if result.curves is not None}
        return _joined(traced, CURVE_COLUMNS)

    @cached_property
    def each_mean(self) -> tuple[MeanScore, ...]:
        """The mean of each score of each explainer and metric."""
        return means_of(self.results, self.controls, self.blind)

    @property
    def means(self) -> pd.DataFrame:
        """The same as a table, with the fields of :class:`tasks.scoring.means.MeanScore` as columns."""
        return pd.DataFrame(self.each_mean, columns=[field.name for field in fields(MeanScore)])

    @property
    def excluded(self) -> pd.DataFrame:
        """Excluded images: explainer, metric, reason, images; only reasons with a case."""
        rows = [
            (*part, reason, count)
            for part, result in self.results.items()
            for reason, count in result.info.excluded.items()
            if count
        ]
        return pd.DataFrame(rows, columns=["explainer", "metric", "reason", "images"])

    def to_markdown(self) -> str:
        """Return a page: a table per metric, and the text needed to read it."""
        return page_of(self, interval_note(self.patients, self.samples))

    def write(self, folder: Path | str, notes: Mapping[str, str] = _NO_NOTES) -> Path:
        """Write everything into ``folder``, which appears when it is complete, and return it.

        It holds ``report.md``, ``means.csv``, ``scores.csv``, ``scores.parquet``, ``curves.parquet`` where
        curves were traced, ``score.json`` and, in ``reports/<explainer>/<metric>``, the payload of one
        FaithfulnessReport each. The joint tables name no patient, those of the reports number them.

        Args:
            folder: does not exist yet.
            notes: further files of text, by name.

        Raises:
            ScoringError: ``folder`` exists.
        """
        folder = Path(folder)
        if folder.exists():
            raise ScoringError(f"{folder} exists; name a new folder, nothing is written over")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as unfinished:
            # A folder inside the temporary one, which nobody else can read.
            complete = Path(unfinished) / folder.name
            complete.mkdir()
            self._fill(complete)
            for name, text in notes.items():
                (complete / name).write_text(text, encoding="utf-8")
            complete.rename(folder)
        return folder

    def _fill(self, folder: Path) -> None:
        for (explainer, metric), result in self.results.items():
            place = folder / REPORTS / explainer / metric
            place.mkdir(parents=True)
            self._unnamed(result).write(place)
        shown = self.scores.drop(columns=_PRIVATE)
        shown.to_parquet(folder / "scores.parquet", index=False)
        shown.to_csv(folder / "scores.csv", index=False)
        self.means.to_csv(folder / MEANS, index=False)
        if len(self.curves):
            self.curves.to_parquet(folder / "curves.parquet", index=False)
        said = {
            "explainers": dict(self.recipes),
            "metrics": {metric: result.info.metric for (_, metric), result in self.results.items()},
            "controls": list(self.controls),
            "blind": list(self.blind),
            "unavailable": dict(self.unavailable),
            "passes": dict(self.passes),
            "notes": list(self.notes),
        }
        (folder / SAID).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        (folder / PAGE).write_text(self.to_markdown(), encoding="utf-8")

    def _unnamed(self, result: MetricResult) -> MetricResult:
        """Return the result with patients by number, in the order of the images: clusters without names."""
        numbers = {name: str(number) for number, name in enumerate(dict.fromkeys(self.patients), 1) if name}
        patients = result.scores["patient_id"].map(lambda name: numbers.get(name, ""))
        return replace(result, scores=result.scores.assign(patient_id=patients))


def _joined(tables: Mapping[Pair, pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Return the tables below each other, those of ``columns`` after explainer and metric."""
    pieces = [table.assign(explainer=part[0], metric=part[1]) for part, table in tables.items()]
    empty = pd.DataFrame(columns=["explainer", "metric", *columns])
    return pd.concat(pieces, ignore_index=True)[list(empty.columns)] if pieces else empty
