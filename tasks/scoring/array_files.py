"""Arrays in files below one folder, never unpickled."""

import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.scoring.errors import ScoringError
from tasks.slides.present import is_present

_KEPT_OPEN = 8
_BROKEN = (
    OSError, ValueError, EOFError, OverflowError, zipfile.BadZipFile, zlib.error, SyntaxError, MemoryError,
    NotImplementedError, TokenError, RuntimeError, KeyError, TypeError, Image.DecompressionBombError,
)  # fmt: skip
"""What libraries raise about a damaged file; memory runs out where a header states an absurd size."""

_TAKEN = ".npy, .npz or .png"


class ArrayFiles:
    """Reads arrays by *reference*: ``FILE``, ``FILE:ROW`` of a stack, or ``FILE.npz:NAME[:ROW]``.

    The name may be left out where a .npz file holds one array. A .png file is uint8 [H, W] or [H, W, 3].
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        # The last few files stay open, since rows of one stack are read one after another.
        self._open = lru_cache(maxsize=_KEPT_OPEN)(_opened)

    def read(self, reference: str) -> NDArray[Any]:
        """Return the array.

        Raises:
            ScoringError: there is no such file below the folder, or it holds no such array.
        """
        file, *picks = reference.split(":")
        path = self._found(file)
        names = _names(path)
        name = picks.pop(0) if picks and picks[0] in names else None
        if name is None and len(names) > 1:
            raise ScoringError(f"{file!r} holds {', '.join(names)}; name one as {file}:{names[0]}")
        array = self._open(path, name)
        return _row(array, picks, reference) if picks else array

    def _found(self, file: str) -> Path:
        if "\0" in file:
            raise ScoringError(f"there is no file {file!r} in the folder of the index")
        path = (self._folder / file).resolve()
        if not path.is_relative_to(self._folder):
            raise ScoringError(f"{file!r} lies outside the folder of the index")
        if not is_present(path):
            raise ScoringError(f"there is no file {file!r} in the folder of the index")
        if path.suffix not in (".npy", ".npz", ".png"):
            raise ScoringError(f"{file!r} is no array file; needed {_TAKEN}")
        return path


def _names(path: Path) -> list[str]:
    """Return the names of the arrays in a .npz file; none of another file."""
    if path.suffix != ".npz":
        return []
    try:
        with np.load(path, allow_pickle=False) as archive:
            return list(archive.files)
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def _opened(path: Path, name: str | None) -> NDArray[Any]:
    try:
        if path.suffix == ".png":
            return _picture(path)
        if path.suffix == ".npy":
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive[name or archive.files[0]])
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def _picture(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        if picture.mode not in ("RGB", "L", "1"):
            raise ValueError(f"its mode is {picture.mode}; needed RGB, or L or 1 for a mask")
        return np.asarray(picture.convert("L") if picture.mode == "1" else picture)


def _row(array: NDArray[Any], picks: list[str], reference: str) -> NDArray[Any]:
    """Return one row of a stack."""
    rows = len(array) if array.ndim else 0
    if len(picks) != 1 or not picks[0].isdecimal() or int(picks[0]) >= rows:
        raise ScoringError(f"{reference!r}: there is no {':'.join(picks)!r}; its rows are 0 to {rows - 1}")
    found: NDArray[Any] = array[int(picks[0])]
    return found


def _unreadable(path: Path, error: BaseException) -> ScoringError:
    first, *_ = str(error).splitlines() or [""]
    return ScoringError(f"{path.name!r} cannot be read: {first or type(error).__name__}")
