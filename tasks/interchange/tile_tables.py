"""From any table of tile images to tile lists and a manifest."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.interchange.drawn_splits import DEFAULT, SplitFractions, draw_splits
from tasks.interchange.errors import InterchangeError
from tasks.interchange.text_tables import (
    need_columns,
    read_text_table,
    same_within,
    with_roles,
    write_manifest,
)
from tasks.slides.errors import SlideError
from tasks.slides.tile_lists.images import image_size
from tasks.slides.tile_lists.tile_list import TileList, write_tile_list

ROLES = ("image", "slide", "patient", "x", "y", "label", "slide_label", "site", "split")
"""What a column can hold. A role that is not named is the column of its name, where there is one."""

MANIFEST = "manifest.csv"
_COPIES = "images"
_SLIDE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_TAKEN = Path(MANIFEST).stem


@dataclass(frozen=True)
class TileTableJob:
    """A table of tile images, and what becomes of it.

    Attributes:
        table: CSV or TSV, one row per image.
        images: the folder or zip archive that names of images start from.
        out: the folder for lists and manifest; it is the data root of the study.
        mpp: micrometres per pixel of the images.
        columns: {role: column}.
        labels: {value of a label: class}; others stay as they are.
        cut: side in pixels; every image is a slide of its own, which is cut into tiles of this side.
        copy: copy images that do not lie below ``out``.
        fractions: of patients per split, where no column says the split.
        seed: of the draw of splits.
    """

    table: Path
    images: Path
    out: Path
    mpp: float
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    copy: bool = False
    fractions: SplitFractions = DEFAULT
    seed: int = 0


class WrittenLists(NamedTuple):
    """What was written, and what a person should know of it."""

    manifest: Path
    slides: int
    tiles: int
    notes: tuple[str, ...]


def write_tile_lists(job: TileTableJob) -> WrittenLists:
    """Write one tile list per slide and a manifest.

    Raises:
        InterchangeError: the table or an image cannot be used, or images lie elsewhere and are not copied.
    """
    table, notes = _with_roles(job)
    job.out.mkdir(parents=True, exist_ok=True)
    table["image"] = _located(job, table["image"].tolist())
    sizes = _sizes(job.out, table["image"].tolist())
    rows, count = [], 0
    of_slides = {name: same_within(table, "slide", name, job.table.name) for name in _PER_SLIDE}
    splits = _splits(job, table, of_slides, notes)
    for slide, own in table.groupby("slide", sort=False):
        tiles = _cut(own, sizes, job) if job.cut is not None else _placed(own, sizes, notes)
        path = job.out / f"{slide}.csv"
        write_tile_list(path, tiles)
        count += len(tiles)
        facts = {name: values[str(slide)] for name, values in of_slides.items()}
        rows.append({
            "slide_id": str(slide), "patient_id": facts["patient"], "path": path.name,
            "split": splits[str(slide)], "label": facts["slide_label"], "site": facts["site"],
            "mpp": f"{job.mpp:g}",
        })  # fmt: skip
    write_manifest(job.out / MANIFEST, rows)
    return WrittenLists(job.out / MANIFEST, len(rows), count, tuple(dict.fromkeys(notes)))


_PER_SLIDE = ("patient", "slide_label", "site", "split")


def _with_roles(job: TileTableJob) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with one column per role, and notes on what was filled in."""
    read = read_text_table(job.table)
    table = with_roles(read, job.columns, ROLES, job.table.name)
    need_columns(table, ["image"], job.table.name)
    notes: list[str] = []
    if job.cut is not None:
        _images_as_slides(table)
    _name_slides(table, job, notes)
    for role in (*_PER_SLIDE, "label"):
        if role not in table:
            table[role] = ""
    for role in ("label", "slide_label"):
        table[role] = table[role].map(lambda value: job.labels.get(value, value))
    return table, notes


def _images_as_slides(table: pd.DataFrame) -> None:
    """An image that is cut is a slide, and its label is no tile's."""
    if "slide_label" not in table and "label" in table:
        table["slide_label"] = table["label"]
    table["label"] = ""
    if "slide" not in table:
        table["slide"] = [Path(image).stem for image in table["image"]]
    if table["slide"].duplicated().any():
        twice = table["slide"][table["slide"].duplicated()].iloc[0]
        raise InterchangeError(f"slide {twice!r} has several images; an image that is cut is one slide")


def _name_slides(table: pd.DataFrame, job: TileTableJob, notes: list[str]) -> None:
    if "slide" not in table:
        if "patient" not in table:
            raise InterchangeError(
                f"{job.table.name}: neither a slide nor a patient is named; name a column, such as "
                "slide=slide_id"
            )
        table["slide"] = "slide_" + table["patient"]
        notes.append("no slide is named: the tiles of a patient are one slide")
    if "patient" not in table:
        table["patient"] = "patient_of_" + table["slide"]
        notes.append("no patient is named: every slide counts as a patient of its own")
    strange = [name for name in table["slide"] if not _SLIDE_ID.fullmatch(name) or name == _TAKEN]
    if strange:
        raise InterchangeError(
            f"slide {strange[0]!r}: letters, digits, '.', '_' and '-' are allowed, and not {_TAKEN!r}"
        )


def _located(job: TileTableJob, names: Sequence[str]) -> list[str]:
    """Return the path of each image below the folder of the lists; images are copied there if need be."""
    images, out = job.images.resolve(), job.out.resolve()
    if not images.exists():
        raise InterchangeError(f"there is no folder or archive of images {job.images.name!r}")
    if images.is_relative_to(out):
        prefix = images.relative_to(out).as_posix()
    elif not job.copy:
        raise InterchangeError(
            f"images must lie below the folder of the lists, and {job.images.name} does not; write the lists "
            "into the folder that holds it, or let the images be copied (--copy)"
        )
    elif images.is_dir():
        prefix = _COPIES
        for name in dict.fromkeys(names):
            _copy(images, name, out / _COPIES)
    else:
        prefix = images.name
        shutil.copyfile(images, out / images.name)
    return [name if prefix == "." else f"{prefix}/{name}" for name in names]


def _copy(images: Path, name: str, target: Path) -> None:
    file, copied = images / name, target / name
    if not file.resolve().is_relative_to(images) or not copied.resolve().is_relative_to(target.resolve()):
        raise InterchangeError(f"image {name!r} leads out of the folder of images")
    if not file.is_file():
        raise InterchangeError(f"there is no image {name!r} in {images.name}")
    copied.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, copied)


def _sizes(out: Path, images: Sequence[str]) -> dict[str, tuple[int, int]]:
    try:
        return {image: image_size(out, image) for image in dict.fromkeys(images)}
    except SlideError as error:
        raise InterchangeError(str(error)) from error


def _splits(
    job: TileTableJob, table: pd.DataFrame, of_slides: Mapping[str, Mapping[str, str]], notes: list[str]
) -> Mapping[str, str]:
    if all(of_slides["split"].values()):
        return of_slides["split"]
    patients = of_slides["patient"]
    labels: dict[str, set[str]] = {}
    for slide, label in of_slides["slide_label"].items():
        labels.setdefault(patients[slide], set()).add(label)
    drawn = draw_splits({p: "|".join(sorted(own)) for p, own in labels.items()}, job.fractions, job.seed)
    notes.append(
        f"splits are drawn by patient with seed {job.seed}: "
        + ", ".join(f"{list(drawn.values()).count(split)} {split}" for split in ("train", "val", "test"))
    )
    return {slide: drawn[patients[slide]] for slide in patients}


def _placed(own: pd.DataFrame, sizes: Mapping[str, tuple[int, int]], notes: list[str]) -> TileList:
    """Return the tiles of one slide at the positions of the table, or on a raster where it states none."""
    images = own["image"].tolist()
    width, height = np.array([sizes[image] for image in images], np.int64).T
    if "x" in own and "y" in own:
        x, y = (_pixels(own[name], name) for name in ("x", "y"))
    else:
        columns = int(np.ceil(np.sqrt(len(own))))
        steps = np.arange(len(own))
        x, y = steps % columns * width.max(), steps // columns * height.max()
        notes.append("no positions are named: tiles lie on a raster, so distances between them mean nothing")
    labels = tuple(own["label"])
    return TileList(str(own["slide"].iloc[0]), tuple(images), x, y, width, height, None, labels)


def _pixels(cells: pd.Series, name: str) -> np.ndarray:
    values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    wrong = ~(np.isfinite(values) & (values >= 0) & (values == np.rint(values)))
    if wrong.any():
        raise InterchangeError(
            f"{name} is {cells.iloc[int(np.argmax(wrong))]!r}; whole pixels, 0 or more, are needed"
        )
    return values.astype(np.int64)


def _cut(own: pd.DataFrame, sizes: Mapping[str, tuple[int, int]], job: TileTableJob) -> TileList:
    """Return the boxes of one image, edge to edge; margins narrower than a tile have none."""
    side, image = int(job.cut or 0), str(own["image"].iloc[0])
    width, height = sizes[image]
    columns, rows = (np.arange(length // side) * side for length in (width, height))
    left, top = (np.ravel(grid) for grid in np.meshgrid(columns, rows))
    if not len(left):
        raise InterchangeError(f"{image} has {width} x {height} px, too little for one tile of {side} px")
    sides = np.full(len(left), side)
    boxes = np.stack([left, top], axis=1)
    name = str(own["slide"].iloc[0])
    return TileList(name, (image,) * len(left), left, top, sides, sides, boxes, ("",) * len(left))
