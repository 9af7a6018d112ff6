"""The index of maps made elsewhere: one row per map, with its image, class and masks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.scoring.array_files import ArrayFiles
from tasks.scoring.errors import ScoringError
from tasks.scoring.memory import MASKS, TISSUE
from tasks.scoring.methods import checked_name
from tasks.slides.csv_text import CsvTextError, csv_lines

REQUIRED = ("image", "target", "explainer", "attribution")
ABOUT_IMAGES = ("target", "patient", *MASKS)
"""Columns of the image, which must be the same in all of its rows."""
COLUMNS = (*REQUIRED, "patient", *MASKS)
_MOST_TOLD = 20

CsvRow = Mapping[str, str]


@dataclass(frozen=True)
class Indexed:
    """The arrays of an index: N images in the order of the file, each with a map of every explainer."""

    images: NDArray[Any]
    targets: NDArray[np.int64]
    keys: tuple[str, ...]
    patients: tuple[str, ...]
    masks: Mapping[str, NDArray[np.bool_]]
    attributions: Mapping[str, NDArray[Any]]


def read_index(csv_file: Path) -> Indexed:
    """Read an index and all of its arrays.

    Args:
        csv_file: UTF-8 with a header; columns ``COLUMNS``; those of ``REQUIRED`` must be there. Cells name
            arrays as :class:`tasks.scoring.array_files.ArrayFiles` says, relative to the folder of the file.
            An image is [3, H, W] or [H, W, 3], a map or mask [H, W]. An empty cell of a mask means that
            nothing is marked, or that all is tissue.

    Raises:
        ScoringError: with every problem of the rows; or the first one of the arrays.
    """
    rows = _rows(csv_file)
    problems = [f"row {number}: {text}" for number, cells in rows.items() for text in _row_problems(cells)]
    problems = problems or list(_joint_problems(rows))
    if problems:
        told = problems[:_MOST_TOLD]
        more = len(problems) - len(told)
        raise ScoringError("\n".join([*told, *([f"and {more} more of the kind"] if more else [])]))
    return _loaded(list(rows.values()), ArrayFiles(csv_file.parent))


def _rows(csv_file: Path) -> dict[int, CsvRow]:
    """Return {row number: cells}, the header being row 1."""
    if not csv_file.is_file():
        raise ScoringError(f"there is no index {csv_file.name}")
    try:
        lines = csv_lines(csv_file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ScoringError(f"{csv_file.name} is not UTF-8: {error}") from error
    except CsvTextError as error:
        raise ScoringError(f"{csv_file.name}: {error}") from error
    header = [name.strip() for name in lines[0]] if lines else []
    problems = [f"column {name!r} is missing" for name in REQUIRED if name not in header]
    problems += [f"column {name!r} stands twice" for name in COLUMNS if header.count(name) > 1]
    problems += [
        f"no column {name!r}; the columns are: {', '.join(COLUMNS)}" for name in header if name not in COLUMNS
    ]
    if problems:
        raise ScoringError("\n".join(f"{csv_file.name}: {text}" for text in problems))
    found: dict[int, CsvRow] = {
        number: {name: cell.strip() for name, cell in zip(header, [*line, *[""] * len(header)], strict=False)}
        for number, line in enumerate(lines[1:], start=2)
        if any(cell.strip() for cell in line)
    }
    if not found:
        raise ScoringError(f"{csv_file.name}: no map follows the header")
    return found


def _row_problems(cells: CsvRow) -> Iterator[str]:
    yield from (f"{name} is empty" for name in REQUIRED if not cells[name])
    if cells["target"] and not cells["target"].isdecimal():
        yield f"target {cells['target']!r} is no class; needed its number, counted from 0"
    try:
        checked_name(cells["explainer"] or "absent")
    except ScoringError as error:
        yield str(error)


def _joint_problems(rows: Mapping[int, CsvRow]) -> Iterator[str]:
    """Yield problems between rows: contradictions on an image, duplicate maps, missing maps."""
    images: dict[str, tuple[int, CsvRow]] = {}
    maps: dict[tuple[str, str], int] = {}
    for number, cells in rows.items():
        first, told = images.setdefault(cells["image"], (number, cells))
        for name in ABOUT_IMAGES:
            if cells.get(name) != told.get(name):
                yield f"row {number}: the {name} of image {cells['image']!r} is another one in row {first}"
        part = (cells["explainer"], cells["image"])
        if part in maps:
            yield f"row {number}: {part[0]!r} explains image {part[1]!r} in row {maps[part]} already"
        maps[part] = number
    for explainer in dict.fromkeys(explainer for explainer, _ in maps):
        lacking = [image for image in images if (explainer, image) not in maps]
        if lacking:
            yield f"{explainer!r} explains {len(lacking)} images too few, the first of them {lacking[0]!r}"


def _loaded(rows: Sequence[CsvRow], arrays: ArrayFiles) -> Indexed:
    images = {cells["image"]: cells for cells in reversed(rows)}
    firsts = [images[name] for name in dict.fromkeys(cells["image"] for cells in rows)]
    pixels = _stacked({cells["image"]: _image(arrays, cells["image"]) for cells in firsts}, "image")
    size = pixels.shape[2:]
    explainers = dict.fromkeys(cells["explainer"] for cells in rows)
    maps = {(cells["explainer"], cells["image"]): cells["attribution"] for cells in rows}
    return Indexed(
        images=pixels,
        targets=np.array([int(cells["target"]) for cells in firsts]),
        keys=tuple(cells["image"] for cells in firsts),
        patients=tuple(cells.get("patient", "") for cells in firsts),
        masks={
            name: np.stack([_mask(arrays, name, cells[name], size) for cells in firsts])
            for name in MASKS
            if any(cells.get(name) for cells in firsts)
        },
        attributions={
            explainer: np.stack([_map(arrays, maps[explainer, cells["image"]], size) for cells in firsts])
            for explainer in explainers
        },
    )


def _image(arrays: ArrayFiles, reference: str) -> NDArray[Any]:
    """Return [3, H, W]."""
    array = arrays.read(reference)
    if array.ndim == 3 and array.shape[0] == 3:
        return array
    if array.ndim == 3 and array.shape[2] == 3:
        return np.moveaxis(array, 2, 0)
    raise ScoringError(f"image {reference!r} has shape {list(array.shape)}; needed [3, H, W] or [H, W, 3]")


def _stacked(arrays: Mapping[str, NDArray[Any]], what: str) -> NDArray[Any]:
    (first, wanted), *others = arrays.items()
    for name, array in others:
        if (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
            raise ScoringError(
                f"{what} {name!r} is {array.dtype} {list(array.shape)}, unlike {first!r}, which is "
                f"{wanted.dtype} {list(wanted.shape)}"
            )
    return np.stack(list(arrays.values()))


def _map(arrays: ArrayFiles, reference: str, size: Sequence[int]) -> NDArray[Any]:
    """Return [H, W]. A picture is refused, since it has no sign and scale."""
    if reference.partition(":")[0].endswith(".png"):
        raise ScoringError(f"attribution {reference!r} is a picture; needed the raw values, as .npy or .npz")
    return _of_size(arrays.read(reference), f"attribution {reference!r}", size)


def _mask(arrays: ArrayFiles, name: str, reference: str, size: Sequence[int]) -> NDArray[np.bool_]:
    if not reference:
        return np.full(size, name == TISSUE)
    mask = _of_size(arrays.read(reference), f"{name} {reference!r}", size)
    if mask.dtype.kind not in "biu":
        raise ScoringError(f"{name} {reference!r} is {mask.dtype}; needed booleans or whole numbers")
    return np.asarray(mask > 0)


def _of_size(array: NDArray[Any], what: str, size: Sequence[int]) -> NDArray[Any]:
    if array.shape != tuple(size):
        raise ScoringError(f"{what} has shape {list(array.shape)}; its image is {list(size)}")
    return array
