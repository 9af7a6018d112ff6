"""Stage predict: the answers of one model about its held-out slides, and about their tiles.

A tile classifier is asked about every tile, and an aggregator gives slides their scores. A slide model is
asked about whole slides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tasks.aggregators.base import AnyAggregator
from tasks.aggregators.top_share import TopShare
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import TileSet
from tasks.explain import explained_models
from tasks.models.bag_classifier import load_bag_classifier
from tasks.models.classifier import load_classifier
from tasks.models.predict import predicted_slides, write_predictions
from tasks.models.predict_bags import predict_bags, write_bag_predictions
from tasks.plugins import modules_of, recipe_of
from tasks.study.config import Section
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required, some
from tasks.study.study import Study
from tasks.train import model_modules, samples_of


class PredictSection(Section):
    """How predictions of tiles become the score of their slide."""

    aggregator: AnyAggregator = TopShare()
    """The rule of the slide score, such as ``{name: top_share, share: 0.1}``. A slide model needs none."""


@dataclass(frozen=True)
class PredictInputs:
    """A model, and the tiles or the features that it is asked about."""

    checkpoint: Checkpoint = required()
    tiles: Mapping[str, TileSet] = some()
    features: Mapping[str, FeatureSet] = some()


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
        of_tiles = ("tasks.models.predict", "tasks.models.classifier", *modules_of(aggregator))
        of_slides = study.config.level == "slide"
        for model, rows in explained_models(study):
            yield Planned(
                key=ArtifactKey(self.name, model.key),
                recipe={
                    "device": study.device,
                    **({} if of_slides else {"aggregator": recipe_of(aggregator)}),
                },
                modules=(
                    ("tasks.models.predict_bags", *model_modules(study, model)) if of_slides else of_tiles
                ),
                inputs={"checkpoint": model.checkpoint, **samples_of(study, rows)},
            )

    def build(self, inputs: PredictInputs, out: Path, context: BuildContext) -> Measures:
        """Ask the model about every usable tile and score the slides, or ask it about whole slides."""
        study = context.study
        if study.config.level == "slide":
            bags = load_bag_classifier(inputs.checkpoint, torch.device(context.device))
            sets = list(inputs.features.values())
            return write_bag_predictions(predict_bags(bags, sets, context.device, context.advance), out)
        model = load_classifier(inputs.checkpoint, torch.device(context.device))
        batch, slides = study.config.resources.batch, list(inputs.tiles.values())
        tables = predicted_slides(model, slides, batch, context.device, context.advance)
        return write_predictions(tables, study.section(PredictSection).aggregator, out)
