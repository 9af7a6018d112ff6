"""What a study says of its partitions, their sizes and their labels."""

from collections.abc import Iterator, Sequence

from tasks.reported.stored import StoredStudy, counted
from tasks.reporting.checklists.facts import Fact, FactTable
from tasks.slides.row import SlideRow
from tasks.study.config import FoldsRecipe

_SPLITS = ("train", "val", "test")


def facts_of_splits(stored: StoredStudy) -> Iterator[Fact]:
    """Yield the facts."""
    study = stored.study
    yield Fact("partitions", _assigned(study.config.folds), stored.in_file("folds"))
    yield from _sizes(stored)
    yield from _labels(stored)
    yield from _disjoint(stored)
    tested = "Each slide is held out by one fold" if study.folds else "Slides of split test are held out"
    yield Fact(
        "internal_test",
        f"{tested} and seen neither by training nor by the choice of the epoch.",
        stored.in_manifest,
    )


def _disjoint(stored: StoredStudy) -> Iterator[Fact]:
    """Yield at which level partitions are disjoint, and how many patients are in several all the same."""
    study = stored.study
    sides: dict[str, set[object]] = {}
    for row in study.slides:
        role = tuple(fold.roles.get(row.slide_id) for fold in study.folds) if study.folds else row.split
        sides.setdefault(row.patient_id, set()).add(role)
    parted = sum(len(found) > 1 for found in sides.values())
    if not parted:
        apart = "groups of the folds" if study.folds else "splits"
        text = f"No patient is in two {apart}, which is checked before every run."
        yield Fact("disjoint", text, stored.in_manifest)
        return
    if study.folds:
        text = (
            f"Slides are shared out singly: {parted} patients have slides in several groups of "
            "the folds, so that one patient may be learned from and tested in one fold. The study file "
            "names them."
        )
        yield Fact("limits", text, stored.in_manifest)
    else:
        text = (
            f"{parted} patients have slides in train and in val, as the study file allows by name; test "
            "shares none."
        )
    yield Fact("disjoint", text, stored.in_manifest)


def _assigned(folds: FoldsRecipe | None) -> str:
    if folds is None:
        return "The study has no folds: every slide has the split that the manifest names."
    return (
        f"Cross-validation in {folds.count} folds by {folds.by}, balanced by label, shuffled with seed "
        f"{folds.seed}, over the splits {', '.join(folds.of)} of the manifest."
    )


def _sizes(stored: StoredStudy) -> Iterator[Fact]:
    rows, tiles = (
        stored.study.slides,
        {name: sum(info.counts.values()) for name, info in stored.slides.items()},
    )
    lines = [
        (split, *_size([row for row in rows if row.split == split], tiles))
        for split in _SPLITS
        if any(row.split == split for row in rows)
    ]
    table = FactTable(("split", "patients", "slides", "tiled slides", "tiles"), tuple(lines))
    origin = stored.in_manifest + (f"; {stored.origin('tile')}" if tiles else "")
    yield Fact("partitions", "Patients, slides and tiles per split of the manifest:", origin, table)
    yield Fact("flow", "Patients, slides and tiles per split of the manifest:", origin, table)


def _size(rows: Sequence[SlideRow], tiles: dict[str, int]) -> tuple[str, ...]:
    own = [tiles[row.slide_id] for row in rows if row.slide_id in tiles]
    return tuple(map(str, (len({row.patient_id for row in rows}), len(rows), len(own), sum(own))))


def _labels(stored: StoredStudy) -> Iterator[Fact]:
    rows = stored.study.slides
    lines = [
        (split, counted(row.label or "" for row in rows if row.split == split), _tiles(stored, split))
        for split in _SPLITS
        if any(row.split == split for row in rows)
    ]
    table = FactTable(("split", "labels of slides", "labels of tiles"), tuple(lines))
    origin = stored.in_manifest + (f"; {stored.origin('tile')}" if stored.slides else "")
    yield Fact("labels", "Labels per split of the manifest:", origin, table)


def _tiles(stored: StoredStudy, split: str) -> str:
    counts: dict[str, int] = {}
    for row in stored.study.slides:
        if row.split == split and row.slide_id in stored.slides:
            for label, count in stored.slides[row.slide_id].counts.items():
                counts[label] = counts.get(label, 0) + count
    return ", ".join(f"{count} {label or 'without label'}" for label, count in sorted(counts.items()))
