"""Stage predict: the logits of one model on every tile of its held-out slides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.explain import explained_models
from tasks.models.classifier import load_classifier
from tasks.models.predict import predict_tiles
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required, some
from tasks.study.study import Study
from tasks.train import tiles_of


@dataclass(frozen=True)
class PredictInputs:
    """A model and the tiles it is asked about."""

    checkpoint: Checkpoint = required()
    tiles: Mapping[str, TileSet] = some()


class Predict(Stage[PredictInputs]):
    """One set of Predictions per model."""

    name = "predict"
    group = "explain"
    makes = Predictions
    asks_models = True
    reads_held_out = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the predictions of every model that explains a slide."""
        for model, rows in explained_models(study):
            yield Planned(
                key=ArtifactKey(self.name, model.key),
                recipe={"device": study.device},
                modules=("tasks.models.predict", "tasks.models.classifier"),
                inputs={"checkpoint": model.checkpoint, "tiles": tiles_of(rows)},
            )

    def build(self, inputs: PredictInputs, out: Path, context: BuildContext) -> Measures:
        """Ask the model about every usable tile."""
        model = load_classifier(inputs.checkpoint, torch.device(context.device))
        batch, tiles = context.study.config.resources.batch, list(inputs.tiles.values())
        return predict_tiles(model, tiles, batch, context.device, out, context.advance)
