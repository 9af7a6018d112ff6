"""Stage predict: the logits of one model on every tile of its held-out slides, and the slides' scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tasks.aggregators.base import AnyAggregator
from tasks.aggregators.top_share import TopShare
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.explain import explained_models
from tasks.models.classifier import load_classifier
from tasks.models.predict import predict_tiles, write_predictions
from tasks.plugins import modules_of, recipe_of
from tasks.study.config import Section
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required, some
from tasks.study.study import Study
from tasks.train import tiles_of


class PredictSection(Section):
    """How predictions of tiles become the score of their slide."""

    aggregator: AnyAggregator = TopShare()
    """The rule of the slide score, such as ``{name: top_share, share: 0.1}``."""


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
    section = PredictSection
    asks_models = True
    reads_held_out = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the predictions of every model that explains a slide."""
        aggregator = study.section(PredictSection).aggregator
        for model, rows in explained_models(study):
            yield Planned(
                key=ArtifactKey(self.name, model.key),
                recipe={"device": study.device, "aggregator": recipe_of(aggregator)},
                modules=("tasks.models.predict", "tasks.models.classifier", *modules_of(aggregator)),
                inputs={"checkpoint": model.checkpoint, "tiles": tiles_of(rows)},
            )

    def build(self, inputs: PredictInputs, out: Path, context: BuildContext) -> Measures:
        """Ask the model about every usable tile, and score the slides."""
        study = context.study
        model = load_classifier(inputs.checkpoint, torch.device(context.device))
        resources, slides = study.config.resources, list(inputs.tiles.values())
        tiles = predict_tiles(
            model, slides, resources.batch, context.device, context.advance, resources.prefetch
        )
        return write_predictions(tiles, study.section(PredictSection).aggregator, out)
