"""Whether the recipe and the arms of a study fit its level, and regularizers what their network takes."""

from collections.abc import Iterable
from typing import Literal

from tasks.models.mil.base import BagModel
from tasks.regularizers.base import step_passes
from tasks.samples.axes import refuse_misfit
from tasks.training.recipe import ArmRecipe, TrainingRecipe


def refuse_other_level(
    level: Literal["tile", "slide"], recipe: TrainingRecipe, arms: Iterable[ArmRecipe]
) -> None:
    """Refuse a recipe of slide models in a study of tiles, and the other way round, with a ValueError."""
    if level == "slide" and recipe.bag is None:
        raise ValueError(
            "level: slide needs train.recipe.bag, which says how bags are made, such as {model: abmil}"
        )
    if level == "tile" and recipe.bag is not None:
        raise ValueError("train.recipe.bag is of slide models; say level: slide, or leave it out")
    for arm in arms:
        if level == "tile" and arm.model is not None:
            raise ValueError(f"arm {arm.id!r} has a slide model, {arm.model.name!r}; say level: slide")
        # Applied here, so that a model that cannot take so many tiles is refused before anything runs.
        arm.applied_to(recipe)


def refuse_misfits(arm: ArmRecipe, recipe: TrainingRecipe) -> None:
    """Refuse a regularizer that cannot work on what the network takes, with a ValueError."""
    of_tiles = recipe.bag is None
    for regularizer in arm.regularizers:
        refuse_misfit(
            where="train.arms",
            subject=f"regularizer {regularizer.id!r} of arm {arm.id!r} works on",
            takes=regularizer.accepts,
            giver="the network takes" if of_tiles else "the slide model takes",
            gives={recipe.network.input if of_tiles else "features"},
        )
    bag = arm.applied_to(recipe).bag
    why = None if bag is None else no_second_derivative(arm, bag.model)
    if why is not None:
        raise ValueError(f"train.arms: {why}")


def no_second_derivative(arm: ArmRecipe, model: BagModel) -> str | None:
    """Say which regularizer of an arm needs a derivative that its model does not have; None: none does."""
    for regularizer in arm.regularizers:
        if step_passes((regularizer,)).double_backward and not model.twice_differentiable:
            return (
                f"regularizer {regularizer.id!r} of arm {arm.id!r} differentiates twice, which "
                f"{model.name!r} cannot; choose another model or another method"
            )
    return None
