"""The inputs of a review page: slides, models and explainers of a study, with their maps and scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from tasks.artifacts.afresh import afresh
from tasks.artifacts.colour_scale import ScaleInfo
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.key import ModelKey
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.maps.job import HeatmapRecipe
from tasks.samples.axes import MapKind

ReviewKey = tuple[ModelKey, str, str]
"""A model, the id of an explainer, and the id of a slide (maps) or of a metric (reports)."""


class ReviewError(Exception):
    """The page cannot be made. The sentence says why."""


@dataclass(frozen=True)
class ReviewedExplainer:
    """One explainer of the study.

    Attributes:
        id: its id in the study.
        signed: False where it returns magnitudes. Its scale then starts at zero.
        is_control: True where it sees no trained model.
        is_blind: for a control, True where it sees no network at all. A control that holds an explainer sees
            a network.
        class_free: True where its values are the same whatever class is asked for.
        map_kind: what its values say; of a control nothing is claimed, whatever it holds.
        scale: its colour scale for all arms and slides; None computes one from the maps of this page.
    """

    id: str
    signed: bool = True
    is_control: bool = False
    is_blind: bool = True
    class_free: bool = False
    map_kind: MapKind = "contribution"
    scale: ScaleInfo | None = None


@dataclass(frozen=True)
class ReviewJob:
    """Everything that one page shows. Missing maps, reports and predictions are shown as not available.

    No text in it may name a patient. The page shows no patient column of any table.

    Attributes:
        study: name of the study.
        classes: class names in the order of the logits.
        target: index of the explained class.
        slides: {slide id: its tiles}, in the order of the page.
        models: every arm, fold and seed, in the order of the page.
        explainers: in the order of the page.
        maps: {(model, explainer id, slide id): maps}.
        reports: {(model, explainer id, metric id): scores}. Metrics are shown in the order of this mapping.
        predictions: {model: evaluated predictions}.
        recipe: how heatmaps are drawn.
        confidence: coverage of the intervals.
        comparison: the table ``comparison.parquet`` of the study.
        failed: {label of an artifact: why it failed}, for instance ``explain/<model>/<explainer>/<slide>``.
        missing: {label of a map or report: why it is not there}, also where something before it failed.
        level: whether models were asked about tiles, or about slides, so that a map has one value per tile.
        reviewed: how many slides were explained, of which the page may show some; 0 where that is not known.
    """

    study: str
    classes: tuple[str, ...]
    target: int
    slides: Mapping[str, TileSet]
    models: tuple[ModelKey, ...]
    explainers: tuple[ReviewedExplainer, ...]
    maps: Mapping[ReviewKey, DrawnMaps]
    reports: Mapping[ReviewKey, FaithfulnessReport] = field(default_factory=dict)
    predictions: Mapping[ModelKey, Predictions] = field(default_factory=dict)
    recipe: HeatmapRecipe = field(default_factory=HeatmapRecipe)
    confidence: float = 0.95
    comparison: Path | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    level: Literal["tile", "slide"] = "tile"
    reviewed: int = 0

    @property
    def target_class(self) -> str:
        """Name of the explained class."""
        return self.classes[self.target]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Ids of the metrics that have at least one report."""
        return tuple(dict.fromkeys(metric for _, _, metric in self.reports))

    def of_slide(self, slide: str) -> "ReviewJob":
        """Return the same job for one slide alone, opened anew: nothing that is read is kept in this job."""
        keys = ((model, explainer.id, slide) for model in self.models for explainer in self.explainers)
        maps = {key: afresh(self.maps[key]) for key in keys if key in self.maps}
        return replace(self, slides={slide: afresh(self.slides[slide])}, maps=maps)

    def reports_of(self, metric: str) -> Iterator[FaithfulnessReport]:
        """Yield the reports of ``metric``, models and explainers in the order of the page."""
        for model in self.models:
            for explainer in self.explainers:
                if (model, explainer.id, metric) in self.reports:
                    yield self.reports[model, explainer.id, metric]

    def why_no_map(self, model: ModelKey, explainer: str, slide: str) -> str:
        """Return why a map is missing."""
        return self._why(
            f"explain/{model.label}/{explainer}/{slide}",
            f"explain/{explainer}/{slide}",
            f"explain/{model.label}/{explainer}",
            f"explain/{explainer}",
            f"train/{model.label}",
            f"tile/{slide}",
        )

    def why_no_report(self, model: ModelKey, explainer: str, metric: str) -> str:
        """Return why a report is missing."""
        return self._why(f"evaluate/{model.label}/{explainer}/{metric}", f"train/{model.label}")

    def _why(self, *labels: str) -> str:
        known = {**self.failed, **self.missing}
        reasons = (known[label] for label in labels if label in known)
        return next(reasons, "this step of the study has not been run")
