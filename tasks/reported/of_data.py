"""What a study says of its slides: sources, sizes, what was left out, and how they became tiles."""

from collections import Counter
from collections.abc import Iterator

from tasks.artifacts.tile_set import MIXED
from tasks.reported.stored import StoredStudy, counted, settings_table
from tasks.reporting.checklists.checklist import Topic
from tasks.reporting.checklists.facts import Fact
from tasks.tiling.recipe import TilingRecipe, tiling_recipe

_READERS = frozenset({"annotator", "annotators", "annotated_by", "rater", "raters", "pathologist"})
"""Columns of a manifest that say who annotated. Names of people are counted and never repeated."""
_OF_FAILED: tuple[Topic, ...] = ("exclusion", "failures")


def facts_of_data(stored: StoredStudy) -> Iterator[Fact]:
    """Yield the facts."""
    yield from _sources(stored)
    yield from _failed(stored)
    yield from _excluded(stored)
    yield from _prepared(stored)
    yield from _acquired(stored)
    yield from _reference(stored)
    yield _private()


def _sources(stored: StoredStudy) -> Iterator[Fact]:
    study = stored.study
    rows = study.manifest.slides
    patients = len({row.patient_id for row in rows})
    text = f"The manifest lists {len(rows)} slides of {patients} patients."
    yield Fact("sources", text, stored.in_manifest)
    sites = Counter(row.site for row in rows if row.site)
    if sites and study.folds:
        text = f"The manifest names {len(sites)} sites."
    elif sites:
        test = {row.site for row in rows if row.split == "test" and row.site}
        own = {row.site for row in rows if row.split != "test" and row.site}
        text = (
            f"The manifest names {len(sites)} sites; {len(test - own)} of the {len(test)} sites with test "
            "slides have no slide to train or validate on."
        )
    else:
        text = "The manifest names no sites."
    yield Fact("sites", text, stored.in_manifest)


def _failed(stored: StoredStudy) -> Iterator[Fact]:
    for key, why in stored.failed.items():
        origin = f"the failure of {key.label}"
        if key.slide is not None and key.stage in ("tile", "embed"):
            text = f"Slide {key.slide} failed and was left out: {why.rstrip('.')}."
            for topic in _OF_FAILED:
                yield Fact(topic, text, origin)
        else:
            yield Fact("failures", f"{key.label} could not be made: {why.rstrip('.')}.", origin)


def _excluded(stored: StoredStudy) -> Iterator[Fact]:
    study = stored.study
    left = len(study.manifest.slides) - len(study.slides)
    if left:
        text = f"{left} slides of the manifest are left out, as the folds share out other splits."
        yield Fact("exclusion", text, stored.in_file("folds"))
    if not stored.slides:
        return
    failed = sum(info.failed_tiles for info in stored.slides.values())
    bare = sum(info.counts.get("", 0) for info in stored.slides.values())
    mixed = sum(info.counts.get(MIXED, 0) for info in stored.slides.values())
    origin = stored.origin("tile")
    text = (
        f"{failed} tiles could not be read and are left out. {bare} tiles have no label and {mixed} are "
        "crossed by an outline; models of tiles are not trained on these. Nothing is imputed."
    )
    yield Fact("missing", text, origin)
    tried = sum(key.stage == "tile" for key in stored.failed) + len(stored.slides)
    text = f"{len(stored.slides)} of {tried} slides that were tried became tiles."
    yield Fact("exclusion", text, origin)


def _prepared(stored: StoredStudy) -> Iterator[Fact]:
    recipe = stored.study.section(TilingRecipe)
    text = (
        f"Slides are cut into tiles of {recipe.tile_px} px at {recipe.mpp:g} um/px ({recipe.tile_um:g} um); "
        f"a tile holds at least {recipe.min_tissue:.0%} of tissue."
    )
    yield Fact("preprocessing", text, stored.in_file("tile"), settings_table(tiling_recipe(recipe)))
    if stored.features:
        encoders = sorted({each.encoder.name for each in stored.features.values()})
        text = f"Tiles become features by the encoder {', '.join(encoders)}."
        yield Fact("preprocessing", text, stored.origin("embed"))
    normalised = [info for info in stored.checkpoints.values() if info.mean is not None]
    if normalised:
        text = "Channels are normalised with the mean and the standard deviation that each checkpoint states."
        yield Fact("preprocessing", text, stored.origin("train"))


def _acquired(stored: StoredStudy) -> Iterator[Fact]:
    if not stored.slides:
        return
    shapes = [info.geometry for info in stored.slides.values()]
    fine, coarse = min(each.mpp for each in shapes), max(each.mpp for each in shapes)
    wide, high = max(each.width_level0 for each in shapes), max(each.height_level0 for each in shapes)
    text = (
        f"Pixels of {len(shapes)} slides measure {fine:g} to {coarse:g} um, stated by: "
        f"{counted(each.mpp_source for each in shapes)}. The widest has {wide} px, the highest {high} px."
    )
    yield Fact("acquisition", text, stored.origin("tile"))


def _reference(stored: StoredStudy) -> Iterator[Fact]:
    recipe = stored.study.section(TilingRecipe)
    if stored.slides:
        sources = counted(info.labels_from for info in stored.slides.values())
        weak = sum(info.weak_labels for info in stored.slides.values())
        text = (
            f"Labels of tiles come, by slide, from: {sources}. On {weak} slides tiles have the label of the "
            "whole slide although they may show nothing of it."
        )
        yield Fact("reference_standard", text, stored.origin("tile"))
    text = (
        f"A tile that outlines cover by less than {recipe.normal_below:.0%} is {recipe.classes[0]}; one that "
        f"a class covers by more than {recipe.class_above:.0%} has that class; what lies between is mixed."
    )
    yield Fact("reference_standard", text, stored.in_file("tile"))
    rows = stored.study.slides
    for column in dict.fromkeys(name for row in rows for name in row.metadata):
        if column.strip().casefold() in _READERS:
            named = [row.metadata[column] for row in rows if column in row.metadata]
            text = f"The column {column!r} has {len(set(named))} different entries on {len(named)} slides."
            yield Fact("annotators", text, stored.in_manifest)


def _private() -> Fact:
    text = (
        "The manifest names patients by pseudonyms, and this report by salted hashes of these. "
        "Label and macro images of slides are never read."
    )
    return Fact("privacy", text, "the rules of Veritile, docs/security.md")
