"""Stage evaluate: how faithful the maps of one model are, all metrics in one shared plan.

At level tile the maps of a model are one artifact per slide. At level slide they are one artifact, which
holds the scores of the tiles of all slides.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from pydantic import Field, model_validator

from tasks.artifacts.afresh import Afresh
from tasks.artifacts.attributions import Attributions
from tasks.artifacts.calibration import Calibration
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_set import TileSet
from tasks.evaluation.fits import refuse_misfits
from tasks.evaluation.plan import EvaluationSettings, score_pairs
from tasks.evaluation.scored import Scored
from tasks.evidence.bag_evidence import BagEvidence
from tasks.evidence.evidence import Evidence
from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.stored_bags import stored_bags
from tasks.explain import (
    ExplainSection,
    calibration_of,
    dtype_recipe,
    explained_models,
    halo_of,
    halo_recipe,
    maps_key,
    scores_key,
    surrounded_of,
)
from tasks.explainers.base import Explainer
from tasks.explaining.as_stored import AsStored
from tasks.explaining.calibrated import calibrated
from tasks.explaining.halo import HaloExplainer
from tasks.faithfulness.base import AnyMetric, Metric
from tasks.model_metrics.base import ModelMetric
from tasks.models.bag_classifier import load_bag_classifier
from tasks.models.classifier import load_classifier
from tasks.plugins import modules_of, plugin_type, recipe_of
from tasks.samples.axes import Sample
from tasks.slides.manifest import SlideRow
from tasks.study.config import Section, StudyBase, refuse_repeats
from tasks.study.stage import Build, BuildContext, Measures, Planned, Stage, Writer, required, some
from tasks.study.study import Study
from tasks.train import PlannedModel, TrainSection, model_modules, samples_of, target_of

if TYPE_CHECKING:
    AnyModelMetric = ModelMetric
else:
    AnyModelMetric = plugin_type(ModelMetric)


class EvaluateSection(Section):
    """Which metrics are computed for every map, and what is measured on the models themselves."""

    metrics: tuple[AnyMetric, ...] = Field(min_length=1)
    model_metrics: tuple[AnyModelMetric, ...] = ()
    """Measured once per model. Their reports bear ``model`` where others name the explainer."""
    seed: int = 0

    @model_validator(mode="after")
    def _unique(self) -> Self:
        refuse_repeats("metric ids", (m.id for m in (*self.metrics, *self.model_metrics)))
        return self


@dataclass(frozen=True)
class EvaluateInputs:
    """A model, its slides and the maps of one explainer; for metrics that call it, its sigma and halo.

    Of a slide model ``features`` and ``scores`` stand in the place of ``tiles`` and ``maps``.
    """

    checkpoint: Checkpoint = required()
    tiles: Mapping[str, TileSet] = some()
    features: Mapping[str, FeatureSet] = some()
    maps: Mapping[str, Attributions] = some(along="tiles")
    scores: Attributions | None = required()
    surrounded: Mapping[str, SurroundedTiles] | None = some(along="tiles")
    calibration: Calibration | None = required()


class Evaluate(Stage[EvaluateInputs]):
    """One FaithfulnessReport per model, explainer or control, and metric."""

    name = "evaluate"
    group = "evaluate"
    makes = FaithfulnessReport
    section = EvaluateSection
    asks_models = True
    reads_held_out = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the report of every model, explainer and metric."""
        for model, rows in explained_models(study):
            for explainer in study.section(ExplainSection).everything:
                for metric in study.section(EvaluateSection).metrics:
                    yield self._planned(study, model, explainer, metric, rows)

    def _planned(
        self, study: Study, model: PlannedModel, explainer: Explainer, metric: Metric, rows: list[SlideRow]
    ) -> Planned:
        calls = "attribution" in metric.needs
        scorer = metric.for_maps(explainer.map_kind, len(study.section(TrainSection).recipe.classes))
        samples, modules = _sampled(study, model, explainer, rows)
        return Planned(
            key=ArtifactKey(self.name, model.key, explainer.id, metric=metric.id),
            recipe={
                # With what the kind of the maps decides: it changes numbers.
                "metric": recipe_of(scorer),
                "target": target_of(study),
                "device": study.device,
                "seed": study.section(EvaluateSection).seed,
                # Other metrics see nothing but the map: whoever made the same one scores the same.
                **(_called_recipe(study, explainer) if calls else {}),
            },
            modules=(
                "tasks.evaluation.plan",
                "tasks.explaining.calibrated",
                *modules,
                *modules_of(metric),
                *(modules_of(explainer) if calls else ()),
            ),
            inputs={
                "checkpoint": model.checkpoint,
                **samples,
                **(_called_with(study, model, explainer, rows) if calls else {}),
            },
            together=model.key,
        )

    def build(self, inputs: EvaluateInputs, out: Path, context: BuildContext) -> Measures | None:
        """Score one explainer by one metric."""
        (write,) = self.writers([Build(inputs, context)])
        return write(out)

    def writers(self, builds: Sequence[Build[EvaluateInputs]]) -> Sequence[Writer]:
        """Score all ``builds`` of one model at once: they share the passes that they have in common."""
        first = builds[0]
        study, device = first.context.study, first.context.device
        asked = [_asked(build) for build in builds]
        wanted = [(explainer.id, metric) for explainer, metric in asked]
        settings = EvaluationSettings(study.config.resources.batch, device)
        started = time.perf_counter()
        if study.config.level == "slide":
            bags = load_bag_classifier(first.inputs.checkpoint, torch.device(device))
            results = score_pairs(bags, _bag_evidence(builds, asked), wanted, settings, first.context.advance)
        else:
            model = load_classifier(first.inputs.checkpoint, torch.device(device))
            results = score_pairs(model, _evidence(builds, asked), wanted, settings, first.context.advance)
        seconds = (time.perf_counter() - started) / len(builds)
        return [partial(_write, results[e.id, metric.id], seconds) for e, metric in asked]

    def check(self, config: StudyBase) -> None:
        """Refuse metrics that cannot score the attributions or the samples of the study."""
        refuse_misfits(
            config.section(EvaluateSection).metrics,
            config.section(ExplainSection).everything,
            len(config.section(TrainSection).recipe.classes),
            sample_of_level(config),
        )


def sample_of_level(config: StudyBase) -> Sample:
    """Return what the models of a study take as one input."""
    return "bag" if config.level == "slide" else config.section(TrainSection).recipe.network.sample


def _sampled(
    study: Study, model: PlannedModel, explainer: Explainer, rows: list[SlideRow]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the inputs that hold the samples with their maps, and the modules that read them."""
    samples: dict[str, Any] = dict(samples_of(study, rows))
    if study.config.level == "slide":
        inputs = {**samples, "maps": {}, "scores": scores_key(model, explainer)}
        return inputs, ("tasks.evidence.stored_bags", *model_modules(study, model))
    maps = {row.slide_id: maps_key(model, explainer, row.slide_id) for row in rows}
    return {**samples, "maps": maps}, (
        "tasks.evidence.evidence",
        "tasks.evidence.slide",
        "tasks.explaining.halo",
        "tasks.explaining.as_stored",
        "tasks.models.classifier",
    )


def _called_recipe(study: Study, explainer: Explainer) -> dict[str, Any]:
    """Return what an explanation of a changed tile depends on beyond its model."""
    return {
        "explainer": recipe_of(explainer),
        **halo_recipe(study, explainer),
        **dtype_recipe(study),
    }


def _called_with(
    study: Study, model: PlannedModel, explainer: Explainer, rows: list[SlideRow]
) -> dict[str, ArtifactKey | dict[str, ArtifactKey]]:
    """Return the inputs of a metric that calls ``explainer``: what the stored maps were made with."""
    surrounded = {
        row.slide_id: key for row in rows for key in surrounded_of(study, explainer, row.slide_id).values()
    }
    return {
        **calibration_of(study, model.key, explainer),
        **({"surrounded": surrounded} if surrounded else {}),
    }


def map_report_keys(study: Study) -> list[ArtifactKey]:
    """Return the key of the report of every model, explainer or control, and metric."""
    return [
        ArtifactKey("evaluate", model.key, explainer.id, metric=metric.id)
        for model, _ in explained_models(study)
        for explainer in study.section(ExplainSection).everything
        for metric in study.section(EvaluateSection).metrics
    ]


def _asked(build: Build[EvaluateInputs]) -> tuple[Explainer, Metric]:
    """Return the explainer, with the sigma that was found for it, and the metric."""
    study, key = build.context.study, build.context.key
    explainer = study.section(ExplainSection).explainer(key)
    metric = next(m for m in study.section(EvaluateSection).metrics if m.id == key.metric)
    return calibrated(explainer, build.inputs.calibration), metric


def _evidence(builds: Sequence[Build[EvaluateInputs]], asked: Sequence[tuple[Explainer, Metric]]) -> Evidence:
    first = builds[0]
    return Evidence(
        tile_sets=Afresh(list(first.inputs.tiles.values())),
        attributions={
            explainer.id: Afresh([maps.pixel_maps for maps in build.inputs.maps.values()])
            for build, (explainer, _) in zip(builds, asked, strict=True)
        },
        classes=first.inputs.checkpoint.info.classes,
        target=target_of(first.context.study),
        explainers={
            explainer.id: _as_stored(build, explainer)
            for build, (explainer, metric) in zip(builds, asked, strict=True)
            if "attribution" in metric.needs
        },
        kinds={explainer.id: explainer.map_kind for explainer, _ in asked},
    )


def _bag_evidence(
    builds: Sequence[Build[EvaluateInputs]], asked: Sequence[tuple[Explainer, Metric]]
) -> BagEvidence:
    first, found = builds[0], {}
    for build, (explainer, _) in zip(builds, asked, strict=True):
        assert build.inputs.scores is not None
        found[explainer.id] = build.inputs.scores.tile_scores
    return stored_bags(
        list(first.inputs.features.values()),
        found,
        first.inputs.checkpoint.info.classes,
        target_of(first.context.study),
        {explainer.id: explainer.map_kind for explainer, _ in asked},
        {explainer.id: explainer for explainer, metric in asked if "attribution" in metric.needs},
    )


def _as_stored(build: Build[EvaluateInputs], explainer: Explainer) -> ExplainerLike:
    """Return what explains changed tiles as the stored maps were made: same surroundings, same precision."""
    study, around = build.context.study, tuple((build.inputs.surrounded or {}).values())
    inside: ExplainerLike = explainer
    if halo_of(study, explainer):
        inside = HaloExplainer(explainer, around, study.config.resources.batch)
    return AsStored(inside, study.section(ExplainSection).map_dtype)


def _write(result: Scored, seconds: float, out: Path) -> Measures:
    """Write one report. Its seconds are its even share of the plan that made it with others."""
    return {**result.write(out), "seconds": seconds}
