"""From a tree of feature files and a table of labels to a manifest; no file is copied."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.interchange.drawn_splits import DEFAULT, SplitFractions, draw_splits
from tasks.interchange.errors import InterchangeError
from tasks.interchange.text_tables import (
    need_columns,
    read_text_table,
    same_within,
    with_roles,
    write_manifest,
)
from tasks.slides.coordinates import TileSide, stated_side
from tasks.slides.errors import SlideError
from tasks.slides.feature_files import SUFFIXES, FeatureFile, Producer, opened, read_feature_file

ROLES = ("slide", "patient", "label", "split", "site", "mpp")
MANIFEST = "manifest.csv"
_CLAM_FEATURES = "h5_files"
_MOST_APART = 0.04
"""Tiles of two slides differ in micrometres by at most this fraction, twice what a study tolerates."""


@dataclass(frozen=True)
class FeatureTreeJob:
    """Feature files, and what is known of their slides.

    Attributes:
        tree: the folder of the files, searched throughout.
        producer: whose files they are.
        table: CSV or TSV, one row per slide.
        out: the folder for the manifest.
        columns: {role: column}; a role that is not named is the column of its name, where there is one.
        coordinates: of CLAM, the folder of the files that state the size of tiles.
        mpp: micrometres per level-0 pixel of all slides, where the table has no column for it.
        fractions: of patients per split, where no column says the split.
        seed: of the draw of splits.
    """

    tree: Path
    producer: Producer
    table: Path
    out: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    coordinates: Path | None = None
    mpp: float | None = None
    fractions: SplitFractions = DEFAULT
    seed: int = 0


class WrittenManifest(NamedTuple):
    """What was written, the data root of the study, and what a person should know."""

    manifest: Path
    data_root: Path
    slides: int
    notes: tuple[str, ...]


def write_feature_manifest(job: FeatureTreeJob) -> WrittenManifest:
    """Write a manifest whose slides are feature files.

    Raises:
        InterchangeError: the table cannot be used, no slide of it has a file, a file is not of ``producer``,
            or files differ in encoder, number of features or size of tiles.
    """
    table = with_roles(read_text_table(job.table), job.columns, ROLES, job.table.name)
    need_columns(table, ["slide"], job.table.name)
    files = _files(job)
    table["slide"] = [_stem(name, files) for name in table["slide"]]
    notes = []
    for role in ROLES[1:]:
        if role not in table:
            table[role] = ""
    if not table["patient"].all():
        table["patient"] = table["patient"].mask(table["patient"] == "", "patient_of_" + table["slide"])
        notes.append("no patient is named: every slide counts as a patient of its own")
    facts = {role: same_within(table, "slide", role, job.table.name) for role in ROLES[1:]}
    slides = [slide for slide in facts["patient"] if slide in files]
    notes += _left_out(list(facts["patient"]), files, job)
    root = Path(
        os.path.commonpath([job.tree.resolve(), *([job.coordinates.resolve()] if job.coordinates else [])])
    )
    splits = _splits(job, slides, facts, notes)
    rows = [
        _row(job, root, files[slide], {role: facts[role][slide] for role in facts} | {"split": splits[slide]})
        for slide in slides
    ]
    notes.append(_checked({slide: files[slide] for slide in slides}, rows, root, job))
    job.out.mkdir(parents=True, exist_ok=True)
    write_manifest(job.out / MANIFEST, rows)
    return WrittenManifest(job.out / MANIFEST, root, len(rows), tuple(notes))


def _files(job: FeatureTreeJob) -> dict[str, Path]:
    """Return the feature files of the tree by the name of their slide."""
    tree = job.tree / _CLAM_FEATURES if (job.tree / _CLAM_FEATURES).is_dir() else job.tree
    every = sorted(path for suffix in SUFFIXES for path in tree.rglob(f"*{suffix}"))
    if not every:
        loose = any(tree.rglob("*.pt"))
        reason = (
            "; .pt files hold no coordinates, so nobody can say where their features lie" if loose else ""
        )
        raise InterchangeError(f"there is no feature file (.h5) in {job.tree.name}{reason}")
    files: dict[str, Path] = {}
    for path in every:
        if files.setdefault(path.stem, path) != path:
            raise InterchangeError(f"slide {path.stem!r} has two feature files in {job.tree.name}")
    return files


def _stem(name: str, files: Mapping[str, Path]) -> str:
    """Return the slide of a cell, which may be a file name."""
    bare = Path(name).stem
    return bare if name not in files and bare in files else name


def _left_out(slides: Sequence[str], files: Mapping[str, Path], job: FeatureTreeJob) -> list[str]:
    without = [slide for slide in slides if slide not in files]
    if len(without) == len(slides):
        raise InterchangeError(
            f"no slide of {job.table.name} has a feature file; slides are called {slides[0]!r}, files "
            f"{sorted(files)[0]!r}"
        )
    unused = sorted(set(files).difference(slides))
    notes = (
        [f"{len(without)} slides of the table have no feature file, such as {without[0]!r}"]
        if without
        else []
    )
    return notes + ([f"{len(unused)} feature files are in no row, such as {unused[0]!r}"] if unused else [])


def _splits(
    job: FeatureTreeJob, slides: Sequence[str], facts: Mapping[str, Mapping[str, str]], notes: list[str]
) -> Mapping[str, str]:
    if all(facts["split"][slide] for slide in slides):
        return facts["split"]
    labels: dict[str, set[str]] = {}
    for slide in slides:
        labels.setdefault(facts["patient"][slide], set()).add(facts["label"][slide])
    drawn = draw_splits({p: "|".join(sorted(own)) for p, own in labels.items()}, job.fractions, job.seed)
    notes.append(f"splits are drawn by patient with seed {job.seed}")
    return {slide: drawn[facts["patient"][slide]] for slide in slides}


def _row(job: FeatureTreeJob, root: Path, file: Path, facts: Mapping[str, str]) -> dict[str, str]:
    if not file.resolve().is_relative_to(root):
        raise InterchangeError(f"{file.name} is a link that leads out of {job.tree.name}")
    row = {
        "slide_id": file.stem, "patient_id": facts["patient"], "split": facts["split"],
        "features": file.resolve().relative_to(root).as_posix(), "label": facts["label"],
        "site": facts["site"], "mpp": facts["mpp"] or ("" if job.mpp is None else f"{job.mpp:g}"),
    }  # fmt: skip
    if job.producer == "clam":
        if job.coordinates is None:
            raise InterchangeError(
                "feature files of CLAM do not state the size of tiles; name the folder of the files that do "
                "(--coordinates)"
            )
        beside = job.coordinates.resolve() / file.name
        if not beside.is_file():
            raise InterchangeError(f"there is no {file.name} in {job.coordinates.name}")
        if not beside.resolve().is_relative_to(root):
            raise InterchangeError(f"{file.name} is a link that leads out of {job.coordinates.name}")
        row["coordinates"] = beside.relative_to(root).as_posix()
    return row


def _checked(
    files: Mapping[str, Path], rows: Sequence[Mapping[str, str]], root: Path, job: FeatureTreeJob
) -> str:
    """Return a sentence on the tiles of all files, which are those of one encoder.

    Raises:
        InterchangeError: they are not.
    """
    kinds: dict[tuple[str, int], str] = {}
    sides: dict[str, float] = {}
    tile_px = 0
    for row in rows:
        slide = row["slide_id"]
        try:
            found = read_feature_file(files[slide])
            mpp = _mpp(found, row)
            side = _side(found, row, root, mpp)
        except SlideError as error:
            raise InterchangeError(str(error)) from error
        if found.producer != job.producer:
            name = files[slide].name
            raise InterchangeError(f"{name} has the layout of {found.producer}, not of {job.producer}")
        kinds.setdefault((found.encoder, found.dim), slide)
        sides[slide], tile_px = side.level0 * mpp, side.pixels
    _refuse_several(kinds, sides)
    side_um = float(np.median(list(sides.values())))
    return f"the study file needs tile: {{mpp: {side_um / tile_px:.5g}, tile_px: {tile_px}}}"


def _refuse_several(kinds: Mapping[tuple[str, int], str], sides: Mapping[str, float]) -> None:
    if len(kinds) > 1:
        told = ", ".join(f"{name or 'no name'} {dim} ({slide})" for (name, dim), slide in kinds.items())
        raise InterchangeError(f"features are of several encoders or lengths: {told}; a study has one")
    low, high = min(sides.values()), max(sides.values())
    if high / low - 1 > _MOST_APART:
        raise InterchangeError(
            f"tiles have {low:.1f} um on some slides and {high:.1f} um on others; those of a study are equal"
        )


def _mpp(found: FeatureFile, row: Mapping[str, str]) -> float:
    """Return micrometres per level-0 pixel, as the manifest states them or else the file."""
    text = row["mpp"]
    try:
        stated = float(text) if text else found.level0_mpp
    except ValueError:
        stated = None
    if stated is None:
        raise InterchangeError(
            f"slide {row['slide_id']!r}: micrometres per level-0 pixel are {text!r}, a number is needed; "
            "give a column or --mpp"
        )
    return stated


def _side(found: FeatureFile, row: Mapping[str, str], root: Path, mpp: float) -> TileSide:
    level0 = found.side_level0(mpp)
    if level0 is None:
        with opened(root / row["coordinates"]) as file:
            return stated_side(file, row["coordinates"])
    return TileSide(found.tile_px or round(level0), level0, level0)
