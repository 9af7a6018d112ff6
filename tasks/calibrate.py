"""Stage calibrate: the noise that costs one model a stated share of its accuracy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tasks.artifacts.calibration import Calibration
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.tile_set import TileSet
from tasks.calibration.recipe import CalibrationSettings
from tasks.explain import ExplainSection, explained_models
from tasks.models.classifier import load_classifier
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required, some
from tasks.study.study import Study
from tasks.train import tiles_of


@dataclass(frozen=True)
class CalibrateInputs:
    """A model and its validation tiles."""

    checkpoint: Checkpoint = required()
    tiles: Mapping[str, TileSet] = some()


class Calibrate(Stage[CalibrateInputs]):
    """One Calibration per model and search. Explainers that ask for the same search share it."""

    name = "calibrate"
    group = "explain"
    makes = Calibration
    asks_models = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield every search of every model."""
        for model, _ in explained_models(study):
            val = [row for row in model.learns_from(study.slides) if row.split == "val"]
            for recipe, explainer in study.section(ExplainSection).searches.items():
                yield Planned(
                    key=ArtifactKey(self.name, model.key, explainer),
                    recipe={"calibration": recipe.model_dump(mode="json"), "device": study.device},
                    modules=("tasks.calibration.search", "tasks.models.classifier"),
                    inputs={"checkpoint": model.checkpoint, "tiles": tiles_of(val)},
                )

    def build(self, inputs: CalibrateInputs, out: Path, context: BuildContext) -> Measures:
        """Search the sigma on validation tiles alone."""
        from tasks.calibration.search import calibrate  # Matplotlib, which a plan does not need

        study = context.study
        searches = study.section(ExplainSection).searches
        recipe = next(recipe for recipe, name in searches.items() if name == context.key.explainer)
        model = load_classifier(inputs.checkpoint, torch.device(context.device))
        settings = CalibrationSettings(
            inputs.checkpoint.info.classes, study.config.resources.batch, context.device
        )
        return calibrate(model, list(inputs.tiles.values()), recipe, settings, out, context.advance)
