"""What a study says of its models: what they are, how they were trained, chosen, and by which software."""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.reported.stored import StoredStudy, counted, settings_table
from tasks.reporting.checklists.facts import Fact, FactTable
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.train import TrainSection

_CHOICES = {
    "val_auroc": "the area under the ROC curve on validation slides",
    "val_balanced_accuracy": "the balanced accuracy on validation slides",
    "val_loss": "the loss on validation slides",
}
_BALANCE = {
    "weights": "The loss of a tile is weighted by the inverse frequency of its class.",
    "sampling": "Every class gives the same number of tiles to an epoch.",
    "none": "Classes are not balanced.",
}


def facts_of_models(stored: StoredStudy) -> Iterator[Fact]:
    """Yield the facts."""
    yield from _technology(stored.study, stored)
    yield from _output(stored)
    yield from _started(stored)
    yield from _trained(stored)
    yield from _chosen(stored)
    yield from _software(stored)


def _technology(study: Study, stored: StoredStudy) -> Iterator[Fact]:
    section, tiling = study.section(TrainSection), study.section(TilingRecipe)
    recipe, seeds = section.recipe, ", ".join(map(str, section.seeds))
    bags = [arm.applied_to(recipe).bag for arm in section.arms]
    names = list(dict.fromkeys(bag.model.name for bag in bags if bag is not None))
    what = (
        f"slide models on features of tiles ({', '.join(names)})"
        if names
        else f"a network of tiles ({recipe.network.module or recipe.network.name})"
    )
    text = (
        f"Deep learning: {what}, classes {', '.join(tiling.classes)}, explained class {recipe.target_class}."
    )
    yield Fact("technology", text, stored.in_file("train"))
    arms = ", ".join(arm.id for arm in section.arms)
    text = f"Input: tiles of {tiling.tile_px} px at {tiling.mpp:g} um/px. {what[0].upper()}{what[1:]}."
    table = None if names else settings_table(recipe.network.model_dump(mode="json", exclude={"init"}))
    yield Fact("model", text, stored.in_file("train"), table)
    text = f"Arms: {arms}. Each is trained with these seeds: {seeds}."
    yield Fact("training", text, stored.in_file("train"))


def _output(stored: StoredStudy) -> Iterator[Fact]:
    recipe = stored.study.section(TrainSection).recipe
    text = f"One logit per class ({', '.join(recipe.classes)}); probabilities are their softmax."
    yield Fact("output", text, stored.in_file("train"))
    if stored.summary is not None:
        text = (
            f"A slide's score is {stored.summary.slide_score}; at 0.5 or above it is predicted as "
            f"{recipe.target_class}."
        )
        yield Fact("output", text, stored.origin("compare"))
    text = "None: every model is judged by itself, and figures of an arm are means over its seeds."
    yield Fact("ensembling", text, stored.in_file("train"))


def _started(stored: StoredStudy) -> Iterator[Fact]:
    trained = stored.of("train")
    if not trained:
        return
    named = sorted({str(record.spec.recipe.get("device", "")) for record in trained.values()} - {""})
    files = stored.study.section(TrainSection).recipe.network.init is not None
    start = (
        "weights of a file, whose hash is an input of each checkpoint"
        if files
        else "random weights from the seed"
    )
    yield Fact("initialisation", f"Training starts from {start}.", stored.origin("train"))
    if named:
        yield Fact("software", f"Training ran on: {'; '.join(named)}.", stored.origin("train"))


def _trained(stored: StoredStudy) -> Iterator[Fact]:
    by_arm: dict[str, tuple[ArtifactKey, ArtifactRecord]] = {}
    for key, record in stored.of("train").items():
        if key.model is not None:
            by_arm.setdefault(key.model.arm, (key, record))
    for arm, (key, record) in by_arm.items():
        recipe: Mapping[str, Any] = record.spec.recipe
        wanted = {name: recipe[name] for name in ("training", "regularizers", "sites") if name in recipe}
        origin = f"{key.label} ({record.spec.kind} {record.fingerprint[:12]})"
        yield Fact("training", f"Hyper-parameters of arm {arm}:", origin, settings_table(wanted))
    balance = stored.study.section(TrainSection).recipe.class_balance
    if stored.study.config.level == "tile":
        yield Fact("class_balance", _BALANCE[balance], stored.in_file("train.recipe"))


def _chosen(stored: StoredStudy) -> Iterator[Fact]:
    recipe = stored.study.section(TrainSection).recipe
    text = (
        f"Of {recipe.epochs} epochs the one is kept that is best by {_CHOICES[recipe.choose]}; test slides "
        "take no part."
    )
    yield Fact("selection", text, stored.in_file("train.recipe"))
    if stored.checkpoints:
        lines = tuple((model.words, str(info.best_epoch)) for model, info in stored.checkpoints.items())
        table = FactTable(("model", "epoch that was kept"), lines)
        yield Fact("selection", "The epoch that was kept, per model:", stored.origin("train"), table)


def _software(stored: StoredStudy) -> Iterator[Fact]:
    found: dict[str, dict[str, None]] = {}
    for record in stored.records.values():
        for name, version in record.versions.items():
            found.setdefault(name, {}).setdefault(version)
    if found:
        lines = tuple((name, ", ".join(versions)) for name, versions in found.items())
        origin = f"the records of {len(stored.records)} stored artifacts"
        yield Fact(
            "software", "Versions that made the artifacts:", origin, FactTable(("package", "version"), lines)
        )
        hosts = counted(record.host for record in stored.records.values())
        yield Fact("software", f"Artifacts by kind of machine: {hosts}.", origin)
    if stored.checkpoints:
        stated = tuple((key.label, made.fingerprint, made.digest) for key, made in stored.of("train").items())
        table = FactTable(("model", "fingerprint", "digest of the files"), stated)
        yield Fact("availability", "The trained models in the store:", stored.origin("train"), table)
