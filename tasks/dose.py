"""Stage dose: the strength of a training method at which its own quantity moves by a stated share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.dose import Dose
from tasks.artifacts.tile_set import TileSet
from tasks.dosing.settings import DoseSettings
from tasks.plugins import modules_of, recipe_of
from tasks.regularizers.base import Regularizer
from tasks.study.config import StudyBase
from tasks.study.stage import BuildContext, Measures, Planned, Stage, some
from tasks.study.study import Study
from tasks.train import (
    PlannedModel,
    TrainSection,
    dose_key,
    initial_weights,
    models,
    target_of,
    tiles_of,
    training_recipe,
    training_resources,
)
from tasks.training.dose_recipe import DoseRecipe
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe


@dataclass(frozen=True)
class DoseInputs:
    """The tiles to train on, and the validation tiles that the check is measured on."""

    tiles: Mapping[str, TileSet] = some()


class DoseSearch(Stage[DoseInputs]):
    """One Dose per arm that asks for one, and fold; all seeds of the arm are trained with it."""

    name = "dose"
    group = "train"
    makes = Dose
    asks_models = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the search of every arm with a dose, in every fold."""
        for model, dose in _searches(study):
            rows = model.learns_from(study.slides)
            check = _method(model.arm, dose).active_checks()[0]
            yield Planned(
                key=dose_key(study, model),
                recipe={
                    **training_recipe(study, model, rows),
                    "training": recipe_of(_short(study, model.arm, dose)),
                    "dose": recipe_of(dose),
                    "seeds": list(_seeds(study, dose)),
                    "target": target_of(study),
                },
                modules=(
                    "tasks.dosing.search",
                    "tasks.training.train",
                    f"tasks.model_metrics.{check.metric}",
                    *sorted({module for each in model.arm.regularizers for module in modules_of(each)}),
                ),
                inputs={"tiles": tiles_of(rows)},
                files=initial_weights(study),
                seed=model.key.seed,
            )

    def build(self, inputs: DoseInputs, out: Path, context: BuildContext) -> Measures:
        """Train with one dose after the other until the quantity has moved far enough."""
        from tasks.dosing.search import search_dose  # MONAI and Matplotlib, which a plan does not need

        study = context.study
        model, dose = next(pair for pair in _searches(study) if dose_key(study, pair[0]) == context.key)
        job = TrainingJob(
            tuple(inputs.tiles.values()),
            _short(study, model.arm, dose),
            model.arm,
            model.key.seed,
            context.device,
            frozenset(study.config.shared_patients),
            context.spec.recipe.get("roles"),
            resources=training_resources(study),
        )
        settings = DoseSettings(job, _seeds(study, dose), target_of(study), study.config.resources.batch)
        return search_dose(settings, out, context.work, context.advance)

    def check(self, config: StudyBase) -> None:
        """Refuse a search over more seeds than the study has, and any search of slide models."""
        section = config.section(TrainSection)
        for arm in section.arms:
            if arm.dose is not None and config.level == "slide":
                raise ValueError(
                    f"arm {arm.id!r}: dose measures tile classifiers, and this study is of level slide; "
                    "choose the strength by hand"
                )
            if arm.dose is not None and arm.dose.seeds > len(section.seeds):
                raise ValueError(
                    f"arm {arm.id!r}: dose.seeds is {arm.dose.seeds}, and train.seeds has "
                    f"{len(section.seeds)}; a search trains with the first of the study's seeds"
                )


def _searches(study: Study) -> Iterator[tuple[PlannedModel, DoseRecipe]]:
    """Yield the first model of every arm and fold that asks for a dose."""
    first = study.section(TrainSection).seeds[0]
    for model in models(study):
        if model.arm.dose is not None and model.key.seed == first:
            yield model, model.arm.dose


def _seeds(study: Study, dose: DoseRecipe) -> tuple[int, ...]:
    return study.section(TrainSection).seeds[: dose.seeds]


def _short(study: Study, arm: ArmRecipe, dose: DoseRecipe) -> TrainingRecipe:
    """Return the recipe of a training of the search: that of the arm, with fewer epochs."""
    recipe = arm.applied_to(study.section(TrainSection).recipe)
    return recipe.model_copy(update={"epochs": dose.short(recipe.epochs)})


def _method(arm: ArmRecipe, dose: DoseRecipe) -> Regularizer:
    method: Regularizer = arm.dosed(dose.values[0]).regularizers[arm.dosed_index]
    return method
