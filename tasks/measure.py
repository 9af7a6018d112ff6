"""Stage measure: what is measured on one model itself, without an explainer."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.tile_set import TileSet
from tasks.evaluate import EvaluateSection, sample_of_level
from tasks.explain import explained_models
from tasks.model_metrics.base import MeasureSettings, measure_model
from tasks.models.classifier import load_classifier
from tasks.plugins import modules_of, recipe_of
from tasks.samples.axes import INPUT_OF_SAMPLE, refuse_misfit
from tasks.samples.measured_tiles import MeasuredTiles
from tasks.study.config import StudyBase
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required, some
from tasks.study.study import Study
from tasks.train import target_of, tiles_of


@dataclass(frozen=True)
class MeasureInputs:
    """A model and the tiles it is measured on."""

    checkpoint: Checkpoint = required()
    tiles: Mapping[str, TileSet] = some()


class Measure(Stage[MeasureInputs]):
    """One FaithfulnessReport per model and model metric."""

    name = "measure"
    group = "evaluate"
    makes = FaithfulnessReport
    asks_models = True
    reads_held_out = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the report of every model and model metric."""
        section = study.section(EvaluateSection)
        for model, rows in explained_models(study):
            for metric in section.model_metrics:
                yield Planned(
                    key=ArtifactKey(self.name, model.key, metric=metric.id),
                    recipe={
                        "model_metric": recipe_of(metric),
                        "target": target_of(study),
                        "device": study.device,
                        "seed": section.seed,
                    },
                    modules=("tasks.model_metrics.base", "tasks.models.classifier", *modules_of(metric)),
                    inputs={"checkpoint": model.checkpoint, "tiles": tiles_of(rows)},
                )

    def check(self, config: StudyBase) -> None:
        """Refuse model metrics that cannot read what the models take."""
        for metric in config.section(EvaluateSection).model_metrics:
            refuse_misfit(
                where="evaluate.model_metrics",
                subject=f"model metric {metric.id!r} measures models that take",
                takes=metric.accepts,
                giver="those of this study take",
                gives={INPUT_OF_SAMPLE[sample_of_level(config)]},
            )

    def build(self, inputs: MeasureInputs, out: Path, context: BuildContext) -> Measures:
        """Measure the model."""
        study = context.study
        section = study.section(EvaluateSection)
        metric = next(m for m in section.model_metrics if m.id == context.key.metric)
        settings = MeasureSettings(
            target=target_of(study),
            seed=section.seed,
            batch=study.config.resources.batch,
            device=context.device,
        )
        tiles = MeasuredTiles(list(inputs.tiles.values()), inputs.checkpoint.info.classes)
        started = time.perf_counter()
        model = load_classifier(inputs.checkpoint, torch.device(context.device))
        measures = measure_model(metric, model, tiles, settings, context.advance).write(out)
        return {**measures, "seconds": time.perf_counter() - started}
