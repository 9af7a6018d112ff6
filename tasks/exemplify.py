"""Stage exemplify: explanations of one model that are no maps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.tile_set import TileSet
from tasks.exemplars.base import ExemplarJob, Exemplars, show_exemplars
from tasks.explain import ExplainSection, explained_models
from tasks.models.classifier import load_classifier
from tasks.plugins import modules_of, recipe_of
from tasks.slides.manifest import SlideRow
from tasks.study.config import StudyBase
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required, some
from tasks.study.study import Study
from tasks.train import PlannedModel, target_of, tiles_of


@dataclass(frozen=True)
class ExemplifyInputs:
    """A model, the tiles it learnt from, and the tiles it explains."""

    checkpoint: Checkpoint = required()
    train: Mapping[str, TileSet] = some()
    tiles: Mapping[str, TileSet] = some()


class Exemplify(Stage[ExemplifyInputs]):
    """One ExemplarSet per model and method."""

    name = "exemplify"
    group = "explain"
    makes = ExemplarSet
    asks_models = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the exemplars of every model and method. They are tiles, so at level tile alone."""
        for model, rows in explained_models(study):
            for method in study.section(ExplainSection).exemplars:
                yield self._planned(study, model, method, rows)

    def _planned(self, study: Study, model: PlannedModel, method: Exemplars, rows: list[SlideRow]) -> Planned:
        learnt = [row for row in model.learns_from(study.slides) if row.split == "train"]
        return Planned(
            key=ArtifactKey(self.name, model.key, method.id),
            recipe={
                "exemplars": recipe_of(method),
                "target": target_of(study),
                "device": study.device,
                # It stands in the titles of the pictures.
                "place": model.key.label,
            },
            modules=("tasks.exemplars.base", "tasks.models.classifier", *modules_of(method)),
            inputs={"checkpoint": model.checkpoint, "train": tiles_of(learnt), "tiles": tiles_of(rows)},
        )

    def check(self, config: StudyBase) -> None:
        """Refuse exemplars of slide models, which see no pixels."""
        asked = config.section(ExplainSection).exemplars
        if config.level == "slide" and asked:
            raise ValueError(
                f"explain.exemplars lists {', '.join(method.id for method in asked)}, which show tiles and "
                "images to a tile classifier; a study of level slide has none, so leave them out"
            )

    def build(self, inputs: ExemplifyInputs, out: Path, context: BuildContext) -> Measures:
        """Show what the method chooses or makes."""
        study, key = context.study, context.key
        method = next(m for m in study.section(ExplainSection).exemplars if m.id == key.explainer)
        job = ExemplarJob(
            model=load_classifier(inputs.checkpoint, torch.device(context.device)),
            train=list(inputs.train.values()),
            explained=list(inputs.tiles.values()),
            classes=inputs.checkpoint.info.classes,
            target=target_of(study),
            model_title="" if key.model is None else key.model.words,
            batch=study.config.resources.batch,
            device=context.device,
            advance=context.advance,
        )
        return show_exemplars(method, job, out)
