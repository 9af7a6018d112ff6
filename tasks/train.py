"""Stage train: train one arm with one seed, in a study with folds on one fold."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.dose import Dose
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.tile_set import TileSet
from tasks.embed import features_of
from tasks.plugins import modules_of, recipe_of
from tasks.slides.manifest import SlideRow
from tasks.study.config import Section, StudyBase, refuse_repeats
from tasks.study.folds import Fold
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required, some
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.recipe import TilingRecipe
from tasks.training.bag_job import BagJob
from tasks.training.base_job import AnyJob
from tasks.training.fit import refuse_misfits, refuse_other_level
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.resources import TrainingResources
from tasks.training_step.rank import Rank

_log = logging.getLogger("veritile.train")


class TrainSection(Section):
    """Every arm is trained with every seed on the same recipe."""

    arms: tuple[ArmRecipe, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    recipe: TrainingRecipe = TrainingRecipe()
    weak_labels: bool = False
    """Whether tiles may be trained on the label of their whole slide. Tiles of a tumour slide that show no
    tumour are then trained as tumour, so a study must say that it means this. Slide models are trained on
    labels of slides in any case."""

    @model_validator(mode="after")
    def _unique(self) -> Self:
        refuse_repeats("arm ids", (arm.id for arm in self.arms))
        refuse_repeats("seeds", map(str, self.seeds))
        return self


@dataclass(frozen=True)
class PlannedModel:
    """One model of a study: its key, how it is trained, and the fold it belongs to."""

    key: ModelKey
    arm: ArmRecipe
    fold: Fold | None = None

    @property
    def checkpoint(self) -> ArtifactKey:
        """The key of its checkpoint."""
        return ArtifactKey("train", self.key)

    def rows(self, slides: Iterable[SlideRow]) -> list[SlideRow]:
        """Return the slides it has to do with. With folds their split is their role in its fold."""
        return list(slides) if self.fold is None else self.fold.rows(slides)

    def learns_from(self, slides: Iterable[SlideRow]) -> list[SlideRow]:
        """Return the slides of its sites that the arm is trained on and that choose its epoch."""
        sites = self.arm.sites
        return [
            row for row in self.rows(slides) if row.split != "test" and (sites is None or row.site in sites)
        ]


def models(study: Study) -> list[PlannedModel]:
    """Return every model, arm by arm, fold by fold, seed by seed."""
    section, folds = study.section(TrainSection), study.folds or (None,)
    return [
        PlannedModel(ModelKey(arm.id, seed, None if fold is None else fold.index), arm, fold)
        for arm in section.arms
        for fold in folds
        for seed in section.seeds
    ]


def samples_of(study: Study, rows: Iterable[SlideRow]) -> dict[str, dict[str, ArtifactKey]]:
    """Return the inputs ``tiles`` and ``features`` of ``rows``, by slide id: what the study's models eat.

    One of the two is empty.
    """
    if study.config.level == "slide":
        return {"tiles": {}, "features": features_of(rows)}
    return {"tiles": tiles_of(rows), "features": {}}


def weakly_labelled(study: Study) -> list[SlideRow]:
    """Return the slides that a model learns from and whose tiles have nothing but the slide's label."""
    first = study.section(TilingRecipe).classes[0]
    rows = {row.slide_id: row for model in models(study) for row in model.learns_from(study.slides)}
    return [row for row in rows.values() if row.is_weakly_labelled(first)]


def target_of(study: Study) -> int:
    """Return the index of the explained class."""
    return study.section(TilingRecipe).classes.index(study.section(TrainSection).recipe.target_class)


def tiles_of(rows: Iterable[SlideRow]) -> dict[str, ArtifactKey]:
    """Return the keys of the tiles of ``rows``, by slide id."""
    return {row.slide_id: tile_key(row.slide_id) for row in rows}


@dataclass(frozen=True)
class TrainInputs:
    """What is trained on and what chooses the epoch, and the strength of an arm that searches it."""

    tiles: Mapping[str, TileSet] = some()
    features: Mapping[str, FeatureSet] = some()
    dose: Dose | None = required()


class Train(Stage[TrainInputs]):
    """One Checkpoint per arm, fold and seed, made from train and val slides alone."""

    name = "train"
    group = "train"
    makes = Checkpoint
    section = TrainSection
    asks_models = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the checkpoint of every model."""
        for model in models(study):
            rows = model.learns_from(study.slides)
            yield Planned(
                key=model.checkpoint,
                recipe=training_recipe(study, model, rows),
                modules=(*_trainer(study), *_modules(study, model.arm)),
                inputs={**samples_of(study, rows), **_dose(study, model)},
                files=initial_weights(study),
                seed=model.key.seed,
            )

    def build(self, inputs: TrainInputs, out: Path, context: BuildContext) -> Measures:
        """Train; a run that was stopped goes on from where it was last saved."""
        from tasks.training.processes import Launch, train_in_processes  # MONAI, which a plan does not need
        from tasks.training.train import train_classifier

        study = context.study
        arm = next(model.arm for model in models(study) if model.checkpoint == context.key)
        arm = arm if inputs.dose is None else arm.dosed(inputs.dose.value)
        job, processes = _job(inputs, arm, context), study.config.processes

        def log(metrics: Mapping[str, float], epoch: int) -> None:
            figures = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
            _log.debug("%s epoch %d: %s", context.key, epoch, figures)

        if processes == 1:
            return train_classifier(job, out, context.work, log, context.advance)
        launch = Launch(study.config.resources.torchrun, study.config.resources.training_restarts)
        return train_in_processes(job, out, context.work, log, context.advance, launch)

    def check(self, config: StudyBase) -> None:
        """Refuse classes that differ from those of the tiles, and arms and batches that cannot be trained."""
        recipe, classes = config.section(TrainSection).recipe, config.section(TilingRecipe).classes
        if recipe.classes != classes:
            raise ValueError(
                f"train.recipe.classes {list(recipe.classes)} must be tile.classes {list(classes)}, "
                "in the same order"
            )
        if recipe.batch % (recipe.accumulate * config.processes):
            raise ValueError(
                f"train.recipe.batch {recipe.batch} must be split evenly by accumulate {recipe.accumulate} x "
                f"processes {config.processes}"
            )
        _refuse_shared_switch(config)
        arms = config.section(TrainSection).arms
        refuse_other_level(config.level, recipe, arms)
        for arm in arms:
            refuse_misfits(arm, recipe)


def _job(inputs: TrainInputs, arm: ArmRecipe, context: BuildContext) -> AnyJob:
    """Return the training of one arm on what the study's models eat."""
    study, spec = context.study, context.spec
    rest = (
        arm.applied_to(study.section(TrainSection).recipe),
        arm,
        spec.seed or 0,
        context.device,
        frozenset(study.config.shared_patients),
        spec.recipe.get("roles"),
        Rank(0, study.config.processes),
        training_resources(study),
    )
    if study.config.level == "slide":
        return BagJob(tuple(inputs.features.values()), *rest)
    return TrainingJob(tuple(inputs.tiles.values()), *rest)


def _refuse_shared_switch(config: StudyBase) -> None:
    """Refuse TF32 where other models may be asked in the same process at the same time."""
    slots = config.resources.devices
    if config.section(TrainSection).recipe.tf32 and len(slots) > 1:
        raise ValueError(
            f"train.recipe.tf32 is a switch of the whole process, and resources.devices has {len(slots)} "
            "slots: another model may be explained at the same time, in float32; take one slot, or amp: true"
        )


def training_resources(study: Study) -> TrainingResources:
    """Return what a training of the study may use."""
    own = study.config.resources
    return TrainingResources(
        save_minutes=own.save_minutes, prefetch=own.prefetch, cache_mb=own.training_cache_mb
    )


def dose_key(study: Study, model: PlannedModel) -> ArtifactKey:
    """Return the key of the dose of the model's arm in its fold, which all its seeds share."""
    first = study.section(TrainSection).seeds[0]
    return ArtifactKey("dose", replace(model.key, seed=first))


def _dose(study: Study, model: PlannedModel) -> dict[str, ArtifactKey]:
    """Return the dose that ``model`` waits for as an input; empty where its strength is given."""
    return {} if model.arm.dose is None else {"dose": dose_key(study, model)}


def training_recipe(study: Study, model: PlannedModel, rows: list[SlideRow]) -> dict[str, Any]:
    """Return every setting that may change the weights of ``model``, as plain JSON."""
    arm = model.arm
    recipe = {
        "training": _training(arm.applied_to(study.section(TrainSection).recipe)),
        "regularizers": _regularizers(arm),
        "device": _arithmetic(study),
        "shared_patients": sorted(study.config.shared_patients),
        **({} if arm.sites is None else {"sites": sorted(arm.sites)}),
        **({"weak_labels": True} if study.section(TrainSection).weak_labels else {}),
    }
    # The tiles name the split of the manifest. In a fold a slide has another role, and that is recipe.
    roles = {} if model.fold is None else {"roles": {row.slide_id: row.split for row in rows}}
    return {**recipe, **roles}


def _regularizers(arm: ArmRecipe) -> list[Any]:
    """Return the recipes of the regularizers; a strength that is searched is in the bytes of the dose."""
    recipes: list[Any] = recipe_of(arm.regularizers)
    if arm.dose is not None:
        recipes[arm.dosed_index][arm.dose.field] = "searched"
    return recipes


def _arithmetic(study: Study) -> str:
    """Return what decides the last bits of training: the kind of device, processes, on a CPU also threads."""
    config = study.config
    device = study.device if study.device != "cpu" else f"cpu, {config.cpu_threads} threads"
    return device if config.processes == 1 else f"{device}, {config.processes} processes"


def model_modules(study: Study, model: PlannedModel) -> tuple[str, ...]:
    """Return the modules of the slide model of ``model``; none of a tile classifier."""
    bag = model.arm.applied_to(study.section(TrainSection).recipe).bag
    return () if bag is None else ("tasks.models.bag_classifier", *modules_of(bag.model))


def _modules(study: Study, arm: ArmRecipe) -> list[str]:
    """Return the modules of the plug-ins that train an arm: its regularizers and, of a slide model, that."""
    bag = arm.applied_to(study.section(TrainSection).recipe).bag
    plugins = arm.regularizers if bag is None else (*arm.regularizers, bag.model)
    return sorted({module for plugin in plugins for module in modules_of(plugin)})


def _trainer(study: Study) -> tuple[str, str]:
    """Return the loop, which knows neither tiles nor bags, and what it is given."""
    job = "tasks.training.bag_job" if study.config.level == "slide" else "tasks.training.job"
    return "tasks.training.train" if study.config.processes == 1 else "tasks.training.worker", job


_UNSAID: Mapping[str, Any] = {"tiles_per_epoch": None, "tf32": False, "autotune": True, "compile": False}
"""Settings that came later. A recipe does not mention them at these values, which train as before them."""


def _training(recipe: TrainingRecipe) -> dict[str, Any]:
    """Return the recipe without the path of initial weights; their bytes count, as an input."""
    said: dict[str, Any] = recipe_of(recipe)
    changed = {name: value for name, value in said.items() if _UNSAID.get(name, ...) != value}
    if recipe.bag is not None:
        return changed
    return {**changed, "network": {name: v for name, v in said["network"].items() if name != "init"}}


def initial_weights(study: Study) -> dict[str, str]:
    """Return the hash of the file of initial weights, where there is one."""
    path = study.section(TrainSection).recipe.network.init
    return {"init": f"sha256:{study.hashes[path]}"} if path else {}
