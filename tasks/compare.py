"""Stage compare: set the arms of a study side by side."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.comparison import Comparison
from tasks.artifacts.faithfulness_report import MODEL, FaithfulnessReport
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TILES, TileSet
from tasks.compared.of_study import trained_on_in_words, two_axes, weak_labels_in_words
from tasks.comparison.claims.endpoints import EndpointScores, ScoreNames, performance_endpoints
from tasks.comparison.job import (
    ArmCheck,
    ComparedCheckpoint,
    ComparedMaps,
    ComparedReport,
    ComparisonJob,
)
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.row import PERFORMANCE
from tasks.comparison.rows.pooling import ByFold, pool
from tasks.evaluate import EvaluateSection, map_report_keys
from tasks.explain import ExplainSection, explained_models, explained_slides, sample_of
from tasks.faithfulness.base import Metric
from tasks.model_metrics.base import ModelMetric
from tasks.plugins import modules_of, recipe_of
from tasks.predict import PredictSection
from tasks.study.config import StudyBase
from tasks.study.stage import BuildContext, Measures, Planned, Stage, optional_on_failure, some
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection, models, target_of


@dataclass(frozen=True)
class CompareInputs:
    """All models with their predictions, and everything measured of them. Tiles are inputs by their bytes.

    At level slide all tiles of a slide are explained, so that nothing is said of them. There, maps are
    compared over seeds.
    """

    checkpoints: Mapping[ModelKey, Checkpoint] = some()
    predictions: Mapping[ModelKey, Predictions] = some()
    reports: Mapping[ArtifactKey, FaithfulnessReport] = optional_on_failure()
    tiles: Mapping[str, TileSet] | None = optional_on_failure()
    maps: Mapping[ArtifactKey, Attributions] | None = optional_on_failure()


class Compare(Stage[CompareInputs]):
    """The one Comparison of a study."""

    name = "compare"
    group = "compare"
    makes = Comparison
    section = ComparisonRecipe
    reads_held_out = True
    tells_failures = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the comparison."""
        explain, evaluate = study.section(ExplainSection), study.section(EvaluateSection)
        recipe = study.section(ComparisonRecipe)
        aggregator = study.section(PredictSection).aggregator
        yield Planned(
            key=ArtifactKey(self.name),
            recipe={
                # Whole: the ids of claims are in what it writes.
                "comparison": recipe.model_dump(mode="json"),
                **({} if study.config.level == "slide" else {"aggregator": recipe_of(aggregator)}),
                "study": study.name,
                "split_hash": study.split_hash,
                "classes": study.section(TilingRecipe).classes,
                "target": target_of(study),
                "arms": [arm.id for arm in study.section(TrainSection).arms],
                "explainers": {e.id: recipe_of(e) for e in explain.everything},
                "controls": [control.id for control in explain.controls],
                # The page follows the sequence of the study file, which a JSON mapping forgets.
                "sequence": [
                    item.id for item in (*explain.everything, *evaluate.metrics, *evaluate.model_metrics)
                ],
                "metrics": {m.id: recipe_of(m) for m in evaluate.metrics},
                "model_metrics": {m.id: recipe_of(m) for m in evaluate.model_metrics},
                **_said_of_labels(study),
                **(_of_slides(study) if study.config.level == "slide" else sample_of(study)),
            },
            modules=(
                "tasks.comparison.compare",
                *(() if study.config.level == "slide" else modules_of(aggregator)),
                *(("tasks.comparison.rows.pooling",) if study.folds else ()),
            ),
            inputs={
                "checkpoints": {model.key: model.checkpoint for model in models(study)},
                "predictions": {m.key: ArtifactKey("predict", m.key) for m, _ in explained_models(study)},
                "reports": {key: key for key in report_keys(study)},
                **_explained_tiles(study),
                **_maps_over_seeds(study),
            },
        )

    def build(self, inputs: CompareInputs, out: Path, context: BuildContext) -> Measures | None:
        """Compare the arms and write the page."""
        from tasks.comparison.compare import compare_arms  # Matplotlib, which a plan does not need

        study = context.study
        pooled = pool(_checkpoints(inputs), _reports(inputs, study.section(ExplainSection)))
        job = ComparisonJob(
            study=study.name,
            arms=tuple(arm.id for arm in study.section(TrainSection).arms),
            classes=study.section(TilingRecipe).classes,
            target=target_of(study),
            checkpoints=pooled.checkpoints,
            reports=pooled.reports,
            failed_slides=failed_slides(context),
            split_hash=study.split_hash,
            recipe=study.section(ComparisonRecipe),
            salt=study.salt,
            aggregator=study.section(PredictSection).aggregator,
            pooling=pooled.words,
            removing=frozenset(m.id for m in study.section(EvaluateSection).metrics if m.removal is not None),
            checks=_checks(study),
            looks=context.looks,
            weak_labels=weak_labels_in_words(study),
            explained=_explained(study, inputs.tiles.values()) if inputs.tiles else "",
            level=study.config.level,
            axes=two_axes(study),
            trained_on=trained_on_in_words(study),
            maps=_compared_maps(inputs, study.section(ExplainSection)),
        )
        return compare_arms(job, out)

    def check(self, config: StudyBase) -> None:
        """Refuse a reference arm, endpoints and claims that the study does not have."""
        arms = [arm.id for arm in config.section(TrainSection).arms]
        recipe = config.section(ComparisonRecipe)
        if recipe.reference_arm is not None and recipe.reference_arm not in arms:
            raise ValueError(
                f"compare.reference_arm {recipe.reference_arm!r} is no arm; the arms are: {', '.join(arms)}"
            )
        recipe.refuse_unknown(arms, _endpoints(config))


def _of_slides(study: Study) -> dict[str, Any]:
    axes = two_axes(study)
    assert axes is not None
    return {
        "level": "slide",
        "axes": [axes.faithfulness, axes.plausibility],
        "trained_on": trained_on_in_words(study),
    }


def _explained_tiles(study: Study) -> dict[str, dict[str, ArtifactKey]]:
    """Return the tiles of which a sample may be explained; slide models explain all tiles of a slide."""
    if study.config.level == "slide":
        return {}
    return {"tiles": {slide: tile_key(slide) for slide in explained_slides(study)}}


def _maps_over_seeds(study: Study) -> dict[str, dict[ArtifactKey, ArtifactKey]]:
    """Return the maps of slides that seeds can be compared by: none where there is one seed."""
    if study.config.level != "slide" or len(study.section(TrainSection).seeds) < 2:
        return {}
    keys = [
        ArtifactKey("explain", model.key, explainer=explainer.id)
        for model, _ in explained_models(study)
        for explainer in study.section(ExplainSection).explainers
    ]
    return {"maps": {key: key for key in keys}}


def _compared_maps(inputs: CompareInputs, explain: ExplainSection) -> tuple[ComparedMaps, ...]:
    kinds = {explainer.id: explainer.map_kind for explainer in explain.explainers}
    return tuple(
        ComparedMaps(
            key.model.arm,
            key.model.seed,
            key.model.fold,
            key.explainer,
            kinds[key.explainer],
            view.tile_scores,
        )
        for key, view in (inputs.maps or {}).items()
        if key.model is not None and key.explainer is not None
    )


def _said_of_labels(study: Study) -> dict[str, str]:
    """Return what the page says of weak labels as a part of the recipe; nothing where it says nothing."""
    words = weak_labels_in_words(study)
    return {"weak_labels": words} if words else {}


def report_keys(study: Study) -> list[ArtifactKey]:
    """Return the keys of every faithfulness report and every model metric's report."""
    metrics = study.section(EvaluateSection).model_metrics
    trained = [model.key for model, _ in explained_models(study)]
    measured = [ArtifactKey("measure", model, metric=metric.id) for model in trained for metric in metrics]
    return [*map_report_keys(study), *measured]


def _explained(study: Study, tiles: Iterable[TileSet]) -> str:
    """Say how many of the usable tiles have maps."""
    most = study.section(ExplainSection).most_tiles
    # One column: the tables of a cohort do not fit into memory.
    states = (pd.read_parquet(of_slide.folder / TILES, columns=["state"]) for of_slide in tiles)
    usable = [int((table["state"] == "ok").sum()) for table in states]
    mapped = sum(usable) if most is None else sum(min(most, count) for count in usable)
    if mapped == sum(usable):
        return f"all {mapped} tiles were explained"
    return (
        f"{mapped} of {sum(usable)} tiles were explained, at most {most} per slide, sampled by the hash of "
        "their names; scores of maps are of these"
    )


def failed_slides(context: BuildContext) -> dict[str, str]:
    """Return {slide id: reason} of the slides that could not be tiled."""
    return {str(key.slide): why for key, why in context.failures.items() if key.stage == "tile"}


def _checkpoints(inputs: CompareInputs) -> ByFold[ComparedCheckpoint]:
    """Return the checkpoints that have predictions, each with its fold."""
    return [
        (key.fold, ComparedCheckpoint(key.arm, key.seed, inputs.checkpoints[key], predictions))
        for key, predictions in inputs.predictions.items()
    ]


def _reports(inputs: CompareInputs, explain: ExplainSection) -> ByFold[ComparedReport]:
    """Return the reports, each with its fold. A control may see the network."""
    blind = {control.id: control.blind for control in explain.controls}
    compared = []
    for key, report in inputs.reports.items():
        assert key.model is not None
        explainer = key.explainer or MODEL
        item = ComparedReport(
            key.model.arm,
            key.model.seed,
            explainer,
            str(key.metric),
            explainer in blind,
            report,
            is_blind=blind.get(explainer, True),
        )
        compared.append((key.model.fold, item))
    return compared


def _endpoints(config: StudyBase) -> ScoreNames:
    """Return what arms can be compared in; control maps are compared with, not compared."""
    explain, evaluate = config.section(ExplainSection), config.section(EvaluateSection)
    classes = config.section(TilingRecipe).classes
    blind = tuple(control.id for control in explain.controls if control.blind)
    maps = {metric.id: _map_scores(metric, classes, blind) for metric in evaluate.metrics}
    networks = {metric.id: EndpointScores(_score_names(metric)) for metric in evaluate.model_metrics}
    explained = {explainer.id: maps for explainer in explain.explainers}
    return {**explained, PERFORMANCE: performance_endpoints(), MODEL: networks}


def _map_scores(metric: Metric, classes: tuple[str, ...], blind: tuple[str, ...]) -> EndpointScores:
    if metric.removal is None:
        return EndpointScores(_score_names(metric))
    return EndpointScores(
        _score_names(metric),
        tuple(info.name for info in metric.score_infos() if info.direction != "none"),
        classes if metric.labels == "all" else (),
        blind,
    )


def _checks(study: Study) -> dict[str, tuple[ArmCheck, ...]]:
    """Return what the training of each arm is meant to move, as far as the study measures it."""
    measured = {metric.name: metric.id for metric in study.section(EvaluateSection).model_metrics}
    return {
        arm.id: tuple(
            ArmCheck(
                f"{MODEL}/{measured[check.metric]}.{check.score}" if check.metric in measured else "",
                check.direction,
                check.metric,
            )
            for regularizer in arm.regularizers
            for check in regularizer.active_checks()
        )
        for arm in study.section(TrainSection).arms
    }


def _score_names(metric: Metric | ModelMetric) -> tuple[str, ...]:
    return tuple(info.name for info in metric.score_infos())
