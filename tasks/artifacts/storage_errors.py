"""When a disk cannot take what is written: full, read-only or gone. Told in one sentence, without writing.

Each library says it in its own way: an ``OSError`` with a number, a number in a text, or a text alone. All
of them are one cause, which every further write would meet again.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
_NUMBERED = re.compile(r"(?:\[Errno |\(?os error |\[errno )(\d+)")
_TEXTS = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    "Read-only file system": errno.EROFS,
    # SQLite has numbers of its own, and for the last pages of a full disk it has no word but this.
    "database or disk is full": errno.ENOSPC,
    "disk I/O error": errno.EIO,
    "attempt to write a readonly database": errno.EROFS,
    # PyTorch forgets the number that its file system gave.
    "PytorchStreamWriter failed writing file": errno.ENOSPC,
}
_AGAIN = "run the same command again: what is stored is kept, and the run goes on from there"
_KILO = 1e3
_PAGES = 1 << 17
"""So few bytes that an error of unknown cause is that of a full disk."""


class StorageError(Exception):
    """A disk that cannot take what is written. Trying again at once would fail again."""


class Storing:
    """Tells an error of the disk inside the block as a :class:`StorageError`, and lets any other pass.

    Args:
        what: what is being written.
        home: the folder of all state.
        sign: a file that the home holds. Where it is missing, another folder is in the place of the home.
    """

    def __init__(self, what: str, home: Path, sign: str = "") -> None:
        self._what, self._home, self._sign = what, home, sign

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, StorageError):
            told = storage_sentence(error, self._what, self._home)
            if told is None and self._is_gone(error):
                told = vanished(self._what, self._home)
            if told is not None:
                raise StorageError(told) from error

    def _is_gone(self, error: Exception) -> bool:
        if not self._home.is_dir():
            return True
        missed = isinstance(error, FileNotFoundError | LookupError)
        return missed and bool(self._sign) and not (self._home / self._sign).is_file()


def storage_sentence(error: BaseException, what: str, home: Path) -> str | None:
    """Return a sentence if a disk that could not be written is behind ``error``, else None.

    It names what was being written, where, and how much is free there.
    """
    for each in chain_of(error):
        number, name = _number(each), _filename(each)
        if number == errno.EIO and has_no_room(home):
            number = errno.ENOSPC
        if number in _FULL:
            return _full(number, what, _place(name, home, number))
        if number in _FORBIDDEN and _is_ours(name, home, number):
            place = _place(name, home, number)
            return f"{what} could not be written: {place} {_may_not(number)}. Make it writable and {_AGAIN}"
    return None


def vanished(what: str, home: Path) -> str:
    """Return the sentence that is told where the home went away while a run was at work."""
    return f"{what} could not be written: the home {home} is not there any more. Bring it back and {_AGAIN}"


def _full(number: int, what: str, place: Path) -> str:
    if number == errno.EDQUOT:
        return f"{what} could not be written: the quota at {place} is used up. Free some space and {_AGAIN}"
    if number == errno.EFBIG:
        return (
            f"{what} could not be written: a file is larger than is allowed at {place}, by the file system "
            f"or by the limit of this process (ulimit -f). Raise it and {_AGAIN}"
        )
    full = f"{what} could not be written: the disk of {place} is full, {_free(place)}"
    return f"{full}. Free some space and {_AGAIN}"


def _free(place: Path) -> str:
    try:
        disk, inodes = shutil.disk_usage(place), os.statvfs(place)
    except OSError:
        return "and does not say how much is free"
    if inodes.f_files and not inodes.f_favail:
        return "as it holds as many files as it can"
    return f"{_bytes(disk.free)} of {_bytes(disk.total)} are free"


def has_no_room(home: Path) -> bool:
    """Say whether so little is free on the disk of a home that nothing works there."""
    return home.is_dir() and shutil.disk_usage(home).free < _PAGES


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < _KILO:
            return f"{count:.3g} {unit}"
        count /= _KILO
    return f"{count:.3g} TB"


def _may_not(number: int) -> str:
    return "can only be read" if number == errno.EROFS else "may not be written by this user"


def _is_ours(name: Path | None, home: Path, number: int) -> bool:
    """Say whether a refusal is of what is written, and not of an input that may not be read."""
    if name is None:
        return number == errno.EROFS
    return any(_within(name, folder) for folder in _folders(home))


def _place(name: Path | None, home: Path, number: int) -> Path:
    """Return the folder whose disk refused: the one that the error names, else that with the least room."""
    folders = _folders(home)
    for folder in folders:
        if name is not None and _within(name, folder):
            return folder
    if name is not None and name.parent.is_dir():
        return name.parent
    there = [folder for folder in folders if folder.is_dir()]
    if number == errno.ENOSPC and there:
        return min(there, key=lambda folder: shutil.disk_usage(folder).free)
    return home


def _folders(home: Path) -> tuple[Path, Path]:
    return home, temporary_folder()


def temporary_folder() -> Path:
    """Return the folder of temporary files, also where no file can be made in any."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:  # it tries by writing one
        return Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108  # nothing is written there


def _within(name: Path, folder: Path) -> bool:
    return name.absolute().is_relative_to(folder.absolute())


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    text = str(error)
    numbered = _NUMBERED.search(text)
    if numbered is not None:
        return int(numbered[1])
    return next((number for said, number in _TEXTS.items() if said in text), None)


def _filename(error: BaseException) -> Path | None:
    name = getattr(error, "filename", None)
    return Path(os.fsdecode(name)) if isinstance(name, str | bytes) else None


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what it was raised from, and the members of a group; each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
