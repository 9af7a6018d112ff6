"""Stage review: one page on which a person looks at every map beside its scores."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.colour_scale import ColourScale
from tasks.artifacts.comparison import Comparison
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.pages import ReviewPage
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.comparison.recipe import ComparisonRecipe
from tasks.draw import drawn_slides, is_class_free, is_drawn_signed
from tasks.evaluate import EvaluateSection, map_report_keys
from tasks.explain import ExplainSection, explained_models, explained_slides
from tasks.plugins import recipe_of
from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.pseudonyms import without_patients
from tasks.reporting.review.document import page_digest
from tasks.reporting.review.job import ReviewedExplainer, ReviewJob, ReviewKey
from tasks.scale import drawing_recipe, drawn_maps, maps_of
from tasks.study.stage import BuildContext, Measures, Planned, Stage, optional_on_failure
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.recipe import TilingRecipe
from tasks.train import target_of


@dataclass(frozen=True)
class ReviewInputs:
    """Everything that the page shows; what failed is shown as not available."""

    tiles: Mapping[str, TileSet] = optional_on_failure()
    predictions: Mapping[ModelKey, Predictions] = optional_on_failure()
    maps: Mapping[ArtifactKey, Attributions] = optional_on_failure()
    reports: Mapping[ArtifactKey, FaithfulnessReport] = optional_on_failure()
    scales: Mapping[str, ColourScale] = optional_on_failure()
    comparison: Comparison | None = optional_on_failure()


class Review(Stage[ReviewInputs]):
    """The one ReviewPage of a study."""

    name = "review"
    group = "compare"
    makes = ReviewPage
    tells_failures = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the page."""
        explain, compare = study.section(ExplainSection), study.section(ComparisonRecipe)
        evaluate = study.section(EvaluateSection)
        pairs, shown = explained_models(study), drawn_slides(study)
        drawn = frozenset(shown)
        maps = [
            key
            for model, rows in pairs
            for explainer in explain.everything
            for key in maps_of(
                study, model, explainer, (row.slide_id for row in rows if row.slide_id in drawn)
            )
        ]
        yield Planned(
            key=ArtifactKey(self.name),
            recipe={
                "study": study.name,
                "target": target_of(study),
                "classes": study.section(TilingRecipe).classes,
                "heatmaps": recipe_of(drawing_recipe(study)),
                "explainers": {e.id: recipe_of(e) for e in explain.everything},
                "controls": [control.id for control in explain.controls],
                # The page follows the sequence of the study file, which a JSON mapping forgets.
                "sequence": [e.id for e in explain.everything] + [m.id for m in evaluate.metrics],
                "models": [model.key.label for model, _ in pairs],
                "statistics": compare.model_dump(include={"confidence"}),
                # Scripts and styles are no modules, so code does not tell of them.
                "page": page_digest(),
            },
            modules=("tasks.reporting.review.write", "tasks.reporting.pseudonyms"),
            inputs={
                "tiles": {slide: tile_key(slide) for slide in shown},
                "predictions": {model.key: ArtifactKey("predict", model.key) for model, _ in pairs},
                "maps": {key: key for key in maps},
                "reports": {key: key for key in map_report_keys(study)},
                "scales": {e.id: ArtifactKey("scale", explainer=e.id) for e in explain.everything},
                "comparison": ArtifactKey("compare"),
            },
        )

    def build(self, inputs: ReviewInputs, out: Path, context: BuildContext) -> Measures | None:
        """Write the page; no patient is named in it."""
        from tasks.reporting.review.write import write_review  # scikit-image, which a plan does not need

        study = context.study
        job = ReviewJob(
            study=study.name,
            classes=study.section(TilingRecipe).classes,
            target=target_of(study),
            slides=inputs.tiles,
            models=tuple(model.key for model, _ in explained_models(study)),
            explainers=tuple(_explainers(study, inputs.scales)),
            maps=_maps(study, inputs.maps, inputs.tiles),
            reports={(_model(k), str(k.explainer), str(k.metric)): r for k, r in inputs.reports.items()},
            predictions=inputs.predictions,
            recipe=drawing_recipe(study),
            confidence=study.section(ComparisonRecipe).confidence,
            comparison=None if inputs.comparison is None else inputs.comparison.table_path,
            failed=_without_patients(study, context.spec.recipe["failed"]),
            missing=_without_patients(study, {key.label: why for key, why in context.failures.items()}),
            level=study.config.level,
            reviewed=len(explained_slides(study)),
        )
        return write_review(job, out, context.advance)


def _without_patients(study: Study, reasons: Mapping[str, str]) -> dict[str, str]:
    return {label: str(without_patients(why, study.patients, study.salt)) for label, why in reasons.items()}


def _explainers(study: Study, scales: Mapping[str, ColourScale]) -> Iterator[ReviewedExplainer]:
    section = study.section(ExplainSection)
    controls = {control.id for control in section.controls}
    for explainer in section.everything:
        scale = scales[explainer.id].info if explainer.id in scales else None
        yield ReviewedExplainer(
            id=explainer.id,
            signed=is_drawn_signed(study, explainer),
            is_control=explainer.id in controls,
            is_blind=explainer.blind,
            map_kind=explainer.map_kind,
            class_free=study.config.level == "slide" and is_class_free(explainer),
            scale=scale,
        )


def _maps(
    study: Study, stored: Mapping[ArtifactKey, Attributions], slides: Collection[str]
) -> dict[ReviewKey, DrawnMaps]:
    """Return the maps of ``slides`` by model; those of a blind control belong to each that explains one."""
    found = {
        (model.key, explainer.id, row.slide_id): drawn_maps(stored[key], row.slide_id)
        for model, rows in explained_models(study)
        for explainer in study.section(ExplainSection).everything
        for row in rows
        if row.slide_id in slides and (key := maps_of(study, model, explainer, [row.slide_id])[0]) in stored
    }
    return {key: maps for key, maps in found.items() if maps is not None}


def _model(key: ArtifactKey) -> ModelKey:
    assert key.model is not None
    return key.model
