"""A tile list: ready-made tile images of one slide and where they lie, as CSV.

It stands in a manifest's ``path`` in place of a slide file. Columns: ``image``, the path of an image below
the folder of the list, or ``archive.zip/inner/path.png``; ``x`` and ``y``, its upper left corner; ``width``
and ``height``, its size; ``label``, its class, empty where it is not known. With ``left`` and ``top`` the
tile is that box of a larger image. All lengths are whole pixels of the tile images, which are the level-0
pixels of the slide.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tasks.slides.csv_text import CsvTextError, csv_lines
from tasks.slides.errors import SlideError

Integers = NDArray[np.int64]

NUMBERS = ("x", "y", "width", "height")
NEEDED = ("image", *NUMBERS)
BOX = ("left", "top")
COLUMNS = (*NEEDED, "label", *BOX)
"""The columns of a list; ``label`` and the two of a box may be absent."""

_MOST_PX = 1 << 31


@dataclass(frozen=True)
class TileList:
    """The tile images of one slide, N of them, in the order of the file.

    Attributes:
        name: of the list, for sentences.
        images: path of each image below the folder of the list.
        x: left edges in level-0 pixels, int64 [N].
        y: upper edges in level-0 pixels, int64 [N].
        width: widths in level-0 pixels, int64 [N].
        height: heights in level-0 pixels, int64 [N].
        boxes: left and upper edge of each tile in its image, int64 [N, 2]; None: tiles are whole images.
        labels: class of each tile; "" where it is not known.
    """

    name: str
    images: tuple[str, ...]
    x: Integers
    y: Integers
    width: Integers
    height: Integers
    boxes: Integers | None
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def side(self) -> int:
        """The side that most tiles have; the larger where two are as frequent."""
        sides, counts = np.unique(np.maximum(self.width, self.height), return_counts=True)
        return int(sides[counts == counts.max()].max())

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the slide: what all tiles span, each as large as the largest of them."""
        width, height = int(self.width.max()), int(self.height.max())
        most = max(width, height, self.side)
        return int(self.x.max()) + most, int(self.y.max()) + most

    @cached_property
    def row_at(self) -> dict[tuple[int, int], int]:
        """The row of the tile at each corner."""
        return {corner: i for i, corner in enumerate(zip(self.x.tolist(), self.y.tolist(), strict=True))}


def is_tile_list(path: str | Path) -> bool:
    """Return whether a path of a manifest names a tile list."""
    return PurePosixPath(path).suffix.lower() == ".csv"


def read_tile_list(path: Path) -> TileList:
    """Return a tile list, fully checked; no image is opened.

    Raises:
        SlideError: it cannot be read, a column is absent, a cell is no whole number or lies out of range, an
            image leaves the folder, or two tiles lie at one place.
    """
    rows = _rows(path)
    found = {name: _whole_numbers(path.name, name, rows) for name in NUMBERS}
    boxed = [any(row.get(name, "") for name in BOX) for row in rows]
    boxes = [_whole_numbers(path.name, name, rows) for name in BOX] if any(boxed) else None
    for name in ("width", "height"):
        if (found[name] < 1).any():
            raise SlideError(
                f"{path.name}: line {int(np.argmax(found[name] < 1)) + 2}: {name} is 0, at least 1 is needed"
            )
    for line, row in enumerate(rows, start=2):
        _refuse_escape(path.name, line, row["image"])
    tiles = TileList(
        name=path.name,
        images=tuple(row["image"] for row in rows),
        boxes=None if boxes is None else np.stack(boxes, axis=1),
        labels=tuple(row.get("label", "") for row in rows),
        **found,
    )
    _refuse_twice(tiles)
    return tiles


def write_tile_list(path: Path, tiles: TileList) -> None:
    """Write a tile list, the same bytes for the same tiles."""
    names = [*NEEDED, "label"]
    columns: list[Sequence[object]] = [tiles.images]
    columns += [getattr(tiles, name).tolist() for name in NUMBERS]
    columns.append(tiles.labels)
    if tiles.boxes is not None:
        names += BOX
        columns += tiles.boxes.T.tolist()
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(zip(*columns, strict=True))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SlideError(f"{path.name} is not UTF-8: {error}") from error
    except OSError as error:
        raise SlideError(f"{path.name}: there is no such tile list: {error.strerror}") from error
    try:
        header, *lines = [[cell.strip() for cell in line] for line in csv_lines(text)] or [[]]
    except CsvTextError as error:
        raise SlideError(f"{path.name}: {error}") from error
    absent = [name for name in NEEDED if name not in header]
    if absent:
        raise SlideError(
            f"{path.name}: a tile list needs the columns {', '.join(NEEDED)}; {absent[0]} is absent, there "
            f"are: {', '.join(header) or 'none'} (veritile tile-lists writes such lists from a table)"
        )
    lines = [line for line in lines if any(line)]
    short = next((i for i, line in enumerate(lines, start=2) if len(line) != len(header)), None)
    if short is not None:
        raise SlideError(
            f"{path.name}: line {short} has {len(lines[short - 2])} cells under {len(header)} column names"
        )
    if not lines:
        raise SlideError(f"{path.name} names no tile")
    return [dict(zip(header, line, strict=True)) for line in lines]


def _whole_numbers(where: str, name: str, rows: Sequence[dict[str, str]]) -> Integers:
    values = np.empty(len(rows), np.int64)
    for i, row in enumerate(rows):
        text = row.get(name, "")
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not (number.is_integer() and 0 <= number < _MOST_PX):
            raise SlideError(
                f"{where}: line {i + 2}: {name} is {text!r}, a whole number of pixels, 0 or more, is needed"
            )
        values[i] = int(number)
    return values


def _refuse_escape(where: str, line: int, image: str) -> None:
    parts = PurePosixPath(image).parts
    if not parts or parts[0] == "/" or ".." in parts or "\\" in image or "\0" in image or ":" in parts[0]:
        raise SlideError(
            f"{where}: line {line}: image {image!r} must be a path below the folder of the list, with / "
            "between folders and without .."
        )


def _refuse_twice(tiles: TileList) -> None:
    counts = Counter(zip(tiles.x.tolist(), tiles.y.tolist(), strict=True))
    (x, y), most = counts.most_common(1)[0]
    if most > 1:
        raise SlideError(f"{tiles.name}: {most} tiles lie at ({x}, {y}); a place has one tile")
