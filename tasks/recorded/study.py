"""A study as it is recorded before it has results: its file, its few telling settings, its origin."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.compared.of_study import weak_labels_in_words
from tasks.comparison.costs import cost_table, training_costs
from tasks.comparison.recipe import ComparisonRecipe
from tasks.embed import EmbedSection
from tasks.evaluate import EvaluateSection
from tasks.explain import ExplainSection
from tasks.recorded.checkpoint import RecordOf
from tasks.recorded.inputs import RecordInputs, RecordSection
from tasks.reporting.pseudonyms import salted_hash
from tasks.study.paths import with_names
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.tracking.job import RecordJob, encoder_params
from tasks.train import TrainSection

COMMAND = "command"
"""The tag of a run that holds what was typed."""


def bare_job(study: Study, tags: Mapping[str, str], fingerprint: str = "") -> RecordJob:
    """Return what MLflow is told of a study that has no results yet.

    Args:
        study: the study.
        tags: what is known of this run, such as the command that was typed.
        fingerprint: of the recording; none while the study is under way.
    """
    section = study.section(RecordSection)
    return RecordJob(
        study=study.name,
        fingerprint=fingerprint,
        home=study.home,
        checkpoints=(),
        experiment=section.experiment or study.name,
        tracking_uri=section.tracking_uri,
        config=recorded_config(study),
        split_hash=study.split_hash,
        patients=study.patients,
        salt=study.salt,
        # The same for every run of this study in this home.
        live=salted_hash(study.name, study.salt),
        command=tags.get(COMMAND, ""),
        tags={name: text for name, text in tags.items() if name != COMMAND},
    )


def recorded_config(study: Study) -> dict[str, Any]:
    """Return the study file as it is recorded: without resources, which change no number.

    Folders of the manifest and of weights are paths of this machine: they tell a reader nothing, and a study
    that moved is the same study.
    """
    encoder = study.section(EmbedSection).encoder
    paths = {str(getattr(encoder, field)) for field in encoder.paths}
    paths |= {study.config.manifest, study.section(TrainSection).recipe.network.init or ""}
    config = study.config.model_dump(mode="json", exclude={"resources"})
    return {name: with_names(block, paths) for name, block in config.items()}


def training_table(study: Study, record_of: RecordOf, trained: Iterable[ModelKey]) -> str:
    """Return what training cost, from the records of the checkpoints."""
    measured = {model: record_of(ArtifactKey("train", model)).measures for model in trained}
    section = study.section(TrainSection)
    reference = study.section(ComparisonRecipe).reference_arm or section.arms[0].id
    return cost_table(training_costs(measured, reference), reference)


def _models(study: Study) -> str:
    """Return the slide model of each arm."""
    train = study.section(TrainSection)
    bags = (arm.applied_to(train.recipe).bag for arm in train.arms)
    return ", ".join(dict.fromkeys(bag.model.name for bag in bags if bag is not None))


def encoder_of(inputs: RecordInputs) -> dict[str, str]:
    """Return name, digest and licence of the encoder of slide models; empty at level tile."""
    first = next(iter((inputs.features or {}).values()), None)
    return {} if first is None else encoder_params(first.facts.encoder)


def headline(study: Study) -> dict[str, str | float]:
    """Return the few settings that tell one study from another at a glance."""
    train, tiling, recipe = study.section(TrainSection), study.section(TilingRecipe), study.config.folds
    network, of_slides = train.recipe.network, study.config.level == "slide"
    folds = {} if recipe is None else {"folds": f"{len(study.folds)} of {recipe.count} by {recipe.by}"}
    return {
        "arms": ", ".join(arm.id for arm in train.arms),
        "seeds": ", ".join(str(seed) for seed in train.seeds),
        **({"models": _models(study)} if of_slides else {"network": network.module or network.name}),
        "mpp": tiling.mpp,
        "tile_px": tiling.tile_px,
        "explainers": ", ".join(e.id for e in study.section(ExplainSection).explainers),
        "metrics": ", ".join(metric.id for metric in study.section(EvaluateSection).metrics),
        "device": study.device,
        **folds,
        **({"weak_labels": "yes"} if weak_labels_in_words(study) else {}),
    }
