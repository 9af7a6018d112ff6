"""Stage explain: the maps of one explainer on one slide, or its scores of the tiles of all, for one model."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.calibration import Calibration
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_set import TileSet
from tasks.embed import EmbedSection
from tasks.explained.bags import planned_chains, planned_scores, refuse_bag_misfits
from tasks.explained.bags import scores_key as scores_key
from tasks.explained.of_study import calibration_of as calibration_of
from tasks.explained.of_study import dtype_recipe as dtype_recipe
from tasks.explained.of_study import explained_models as explained_models
from tasks.explained.of_study import explained_rows as explained_rows
from tasks.explained.of_study import explained_slides as explained_slides
from tasks.explained.of_study import halo_of as halo_of
from tasks.explained.of_study import halo_recipe as halo_recipe
from tasks.explained.of_study import maps_key as maps_key
from tasks.explained.of_study import sample_of as sample_of
from tasks.explained.of_study import surrounded_of as surrounded_of
from tasks.explained.section import CHAIN
from tasks.explained.section import MOST_TILES as MOST_TILES
from tasks.explained.section import ExplainSection as ExplainSection
from tasks.explainers.base import Explainer
from tasks.explaining.bags import BagSettings, explain_bags
from tasks.explaining.block import AttributionSettings
from tasks.explaining.calibrated import calibrated
from tasks.explaining.reference_bags import reference_bags
from tasks.explaining.slide import attribute_slide
from tasks.explaining.tile_to_pixel import Chain, ChainSettings, explain_leading_tiles
from tasks.models.kept_classifier import kept_bag_classifier, kept_classifier
from tasks.models.kept_encoder import kept_encoder
from tasks.plugins import modules_of, recipe_of
from tasks.samples.axes import refuse_misfit
from tasks.study.config import StudyBase
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required, some
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.train import PlannedModel, TrainSection, target_of


@dataclass(frozen=True)
class ExplainInputs:
    """A model, a slide, what surrounds its tiles, and the sigma of explainers that wait for one.

    A blind control has no model. At level slide there are the features of all slides, and those of training
    slides that some explainers compare with.
    """

    checkpoint: Checkpoint | None = required()
    tiles: TileSet | None = required()
    surrounded: SurroundedTiles | None = required()
    calibration: Calibration | None = required()
    features: Mapping[str, FeatureSet] | None = some()
    references: Mapping[str, FeatureSet] | None = some()


class Explain(Stage[ExplainInputs]):
    """One set of Attributions per model, explainer and slide; of blind controls one per slide.

    At level slide it is one per model and explainer, of all slides; of blind controls one in all.
    """

    name = "explain"
    group = "explain"
    makes = Attributions
    section = ExplainSection
    asks_models = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the maps of every blind control and slide, then those of every model."""
        if study.config.level == "slide":
            yield from planned_scores(study)
            yield from planned_chains(study)
            return
        section = study.section(ExplainSection)
        for control in section.everything:
            for slide in explained_slides(study) if control.blind else ():
                yield self._planned(study, None, control, slide)
        for model, rows in explained_models(study):
            for explainer in section.everything:
                for row in rows if not explainer.blind else ():
                    yield self._planned(study, model, explainer, row.slide_id)

    def _planned(self, study: Study, model: PlannedModel | None, explainer: Explainer, slide: str) -> Planned:
        of_model = {} if model is None else {"checkpoint": model.checkpoint}
        return Planned(
            key=ArtifactKey(self.name, None if model is None else model.key, explainer.id, slide),
            recipe={
                "explainer": recipe_of(explainer),
                "target": target_of(study),
                **({} if model is None else {"device": study.device}),
                **halo_recipe(study, explainer),
                **sample_of(study),
                **dtype_recipe(study),
            },
            modules=(
                "tasks.explaining.slide",
                "tasks.explaining.calibrated",
                "tasks.models.kept_classifier",
                *modules_of(explainer),
            ),
            inputs={
                **of_model,
                "tiles": tile_key(slide),
                **surrounded_of(study, explainer, slide),
                **({} if model is None else calibration_of(study, model.key, explainer)),
            },
        )

    def build(self, inputs: ExplainInputs, out: Path, context: BuildContext) -> Measures:
        """Explain the slide, or the bags; a run that was stopped goes on after what it had finished."""
        study = context.study
        if context.key.explainer == CHAIN:
            return _explain_pixels(inputs, out, context)
        if inputs.tiles is None:
            return _explain_bags(inputs, out, context)
        section = study.section(ExplainSection)
        # Without a model there is nothing for a GPU, and the same bytes on every machine.
        device = context.device if inputs.checkpoint else "cpu"
        settings = AttributionSettings(
            target=target_of(study),
            batch=study.config.resources.batch,
            device=device,
            tiles_per_slide=section.most_tiles,
            surrounded=inputs.surrounded,
            map_dtype=section.map_dtype,
        )
        explainer = calibrated(section.explainer(context.key), inputs.calibration)
        model = (
            kept_classifier(inputs.checkpoint, torch.device(device)) if inputs.checkpoint else nullcontext()
        )
        with model as asked:
            return attribute_slide(
                asked, inputs.tiles, explainer, settings, out, context.work, context.advance
            )

    def check(self, config: StudyBase) -> None:
        """Refuse folds that explain a slide more than once, and explainers that cannot read the model."""
        splits = config.section(ExplainSection).splits
        if config.folds is not None and splits not in (("test",), ("val",)):
            raise ValueError(
                f"with folds, explain.splits must be [test] or [val], got {list(splits)}: "
                "results are pooled over folds, so each slide must be explained by one of them"
            )
        if config.level == "slide":
            refuse_bag_misfits(config)
            return
        if config.section(ExplainSection).tile_to_pixel is not None:
            raise ValueError(
                "explain.tile_to_pixel follows the score of a slide model to pixels; in a study of level "
                "tile every explainer does so, so leave it out"
            )
        network = config.section(TrainSection).recipe.network
        for explainer in config.section(ExplainSection).everything:
            refuse_misfit(
                where="explain.explainers",
                subject=f"explainer {explainer.id!r} reads",
                takes=explainer.inputs,
                giver="the network takes",
                gives={network.input},
            )


def _explain_bags(inputs: ExplainInputs, out: Path, context: BuildContext) -> Measures:
    """Explain the tiles of all bags."""
    device = torch.device(context.device if inputs.checkpoint else "cpu")
    explainer = context.study.section(ExplainSection).explainer(context.key)
    if inputs.references:
        explainer = explainer.with_references(reference_bags(list(inputs.references.values()), device))
    settings = BagSettings(target_of(context.study), str(device))
    model = kept_bag_classifier(inputs.checkpoint, device) if inputs.checkpoint else nullcontext()
    with model as asked:
        return explain_bags(
            asked, inputs.features or {}, explainer, settings, out, context.work, context.advance
        )


def _explain_pixels(inputs: ExplainInputs, out: Path, context: BuildContext) -> Measures:
    """Explain the pixels of the tiles that add most to the score of one slide."""
    study, device = context.study, torch.device(context.device)
    section = study.section(ExplainSection).tile_to_pixel
    # The plan has no such key without all of these.
    assert section is not None
    assert inputs.tiles is not None
    assert inputs.checkpoint is not None
    assert inputs.features is not None
    (features,) = inputs.features.values()
    settings = ChainSettings(target_of(study), section.tiles, str(device))
    encoder = study.section(EmbedSection).encoder
    with kept_bag_classifier(inputs.checkpoint, device) as model, kept_encoder(encoder, device) as loaded:
        chain = Chain(loaded.network, model)
        return explain_leading_tiles(
            chain, features, inputs.tiles, section.explainer, settings, out, context.advance
        )
