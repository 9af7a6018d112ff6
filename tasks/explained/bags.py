"""The scores of tiles that a study of level slide calls for: one artifact per model and explainer."""

from collections.abc import Iterator
from typing import Any

from tasks.artifacts.key import ArtifactKey
from tasks.embed import EmbedSection, encoder_files, features_of
from tasks.explained.of_study import explained_models, explained_slides
from tasks.explained.section import CHAIN, MOST_TILES, ExplainSection
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explaining.reference_bags import chosen_slides
from tasks.models.mil.base import BagModel
from tasks.plugins import modules_of, recipe_of
from tasks.samples.axes import refuse_misfit
from tasks.slides.manifest import SlideRow
from tasks.study.config import StudyBase
from tasks.study.stage import InputKeys, Planned
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.train import PlannedModel, TrainSection, target_of
from tasks.training.recipe import ArmRecipe, TrainingRecipe


def scores_key(model: PlannedModel, explainer: Explainer) -> ArtifactKey:
    """Return the key of the scores of ``explainer`` on all slides; a blind control is of no model."""
    return ArtifactKey("explain", None if explainer.blind else model.key, explainer.id)


def planned_scores(study: Study) -> Iterator[Planned]:
    """Yield the scores of every blind control, then those of every model."""
    everything = study.section(ExplainSection).everything
    rows = [study.row[slide] for slide in explained_slides(study)]
    for explainer in everything:
        if explainer.blind and rows:
            key = ArtifactKey("explain", explainer=explainer.id)
            yield _planned(study, key, explainer, {"features": features_of(rows)}, {}, ())
    for model, explained in explained_models(study):
        network = bag_model_of(model.arm, study.section(TrainSection).recipe)
        for explainer in everything:
            if not explainer.blind:
                inputs: dict[str, InputKeys] = {
                    "checkpoint": model.checkpoint,
                    "features": features_of(explained),
                    **_references(study, model, explainer),
                }
                recipe = {"device": study.device}
                yield _planned(
                    study, scores_key(model, explainer), explainer, inputs, recipe, modules_of(network)
                )


def _planned(
    study: Study,
    key: ArtifactKey,
    explainer: Explainer,
    inputs: dict[str, InputKeys],
    recipe: dict[str, Any],
    modules: tuple[str, ...],
) -> Planned:
    return Planned(
        key=key,
        recipe={"explainer": recipe_of(explainer), "target": target_of(study), **recipe},
        modules=(
            "tasks.explaining.bags",
            "tasks.explaining.reference_bags",
            "tasks.models.kept_classifier",
            *modules_of(explainer),
            *modules,
        ),
        inputs=inputs,
    )


def planned_chains(study: Study) -> Iterator[Planned]:
    """Yield the maps of the leading tiles of every model and slide, where the study asks for them."""
    chain = study.section(ExplainSection).tile_to_pixel
    if chain is None:
        return
    encoder = study.section(EmbedSection).encoder
    for model, explained in explained_models(study):
        network = bag_model_of(model.arm, study.section(TrainSection).recipe)
        for row in explained:
            yield Planned(
                key=ArtifactKey("explain", model.key, CHAIN, row.slide_id),
                recipe={
                    "tile_to_pixel": recipe_of(chain),
                    "encoder": encoder.recipe(),
                    "target": target_of(study),
                    "device": study.device,
                },
                modules=(
                    "tasks.explaining.tile_to_pixel",
                    "tasks.models.kept_classifier",
                    "tasks.models.kept_encoder",
                    *modules_of(chain.explainer),
                    *modules_of(encoder),
                    *modules_of(network),
                ),
                inputs={
                    "checkpoint": model.checkpoint,
                    "tiles": tile_key(row.slide_id),
                    "features": features_of([row]),
                },
                files={
                    name: f"sha256:{study.hashes[path]}" for name, path in encoder_files(study.config).items()
                },
            )


def _references(study: Study, model: PlannedModel, explainer: Explainer) -> dict[str, InputKeys]:
    """Return the training slides that ``explainer`` compares with; empty where it compares with none.

    Raises:
        ValueError: every training slide has the explained class.
    """
    if not explainer.wants_references:
        return {}
    target = study.section(TrainSection).recipe.classes[target_of(study)]
    others = {
        row.slide_id: row
        for row in model.learns_from(study.slides)
        if row.split == "train" and row.label not in (None, target)
    }
    if not others:
        raise ValueError(
            f"explain.explainers: {explainer.id!r} compares with training slides of other classes than "
            f"{target!r}, and {model.key.words} has none"
        )
    rows: list[SlideRow] = [others[slide] for slide in chosen_slides(list(others))]
    return {"references": features_of(rows)}


def bag_model_of(arm: ArmRecipe, recipe: TrainingRecipe) -> BagModel:
    """Return the slide model that ``arm`` trains.

    Raises:
        ValueError: the recipe is one of tiles.
    """
    bag = arm.applied_to(recipe).bag
    if bag is None:
        raise ValueError("train.recipe.bag is missing: a study of level slide trains a slide model")
    return bag.model


def refuse_bag_misfits(config: StudyBase) -> None:
    """Refuse what cannot explain the slide models of ``config``, and settings that mean nothing to bags.

    Raises:
        ValueError: with one sentence.
    """
    section, train = config.section(ExplainSection), config.section(TrainSection)
    settings = {
        "tiles_per_slide": (section.tiles_per_slide, MOST_TILES),
        "map_dtype": (section.map_dtype, "float16"),
        "halo_px": (section.halo_px, "auto"),
    }
    said = [name for name, (value, default) in settings.items() if value != default]
    if said:
        raise ValueError(
            f"explain.{said[0]} is about maps of pixels; in a study of level slide every tile of a bag gets "
            "one value, so leave it out"
        )
    for explainer in section.everything:
        refuse_misfit(
            where="explain.explainers",
            subject=f"explainer {explainer.id!r} reads",
            takes=explainer.inputs,
            giver="a slide model takes",
            gives={"features"},
        )
        if explainer.uncalibrated is not None:
            raise ValueError(
                f"explain.explainers: explainer {explainer.id!r} waits for a calibrated sigma, which is "
                "searched on tiles; in a study of level slide set sigma to a number, such as 0.1"
            )
    if section.tile_to_pixel is not None:
        _refuse_chain(section.tile_to_pixel.explainer)
    for arm in train.arms:
        # As small as it can be: what a network says of itself does not depend on its inputs.
        network = bag_model_of(arm, train.recipe).build(dim=1, classes=len(train.recipe.classes), seed=0)
        for explainer in section.everything:
            _refuse_network(explainer, arm, network)


def _refuse_chain(explainer: Explainer) -> None:
    refuse_misfit(
        where="explain.tile_to_pixel",
        subject=f"explainer {explainer.id!r} reads",
        takes=explainer.inputs,
        giver="a tile gives",
        gives={"pixels"},
    )
    if explainer.uncalibrated is not None or explainer.blind:
        raise ValueError(
            f"explain.tile_to_pixel: explainer {explainer.id!r} must ask the network, with a sigma that is a "
            "number where it has one"
        )


def _refuse_network(explainer: Explainer, arm: ArmRecipe, network: Any) -> None:
    try:
        explainer.refuse(network)
    except ExplanationError as error:
        raise ValueError(
            f"explain.explainers: {explainer.id!r} cannot explain the model of arm {arm.id!r}: {error}"
        ) from error
