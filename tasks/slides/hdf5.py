"""HDF5 of strangers: a data set may lie in another file, or be said larger than any file could hold."""

import h5py

from tasks.slides.errors import SlideError

_MOST_PACKED = 1100
"""Bytes that one byte of a file can stand for; deflate packs 1,032 to one."""

_SPARE = 1 << 20

BROKEN = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError)
"""What h5py raises about a damaged file, wherever in it the damage is met."""


def own_dataset(file: h5py.File, name: str, where: str) -> h5py.Dataset | None:
    """Return a data set of an open file, None where there is none of the name.

    Args:
        file: the open file.
        name: of the data set.
        where: the file, for sentences.

    Raises:
        SlideError: it lies in another file, cannot be opened, or is said to be larger than the file can hold.
    """
    try:
        if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
            raise SlideError(f"{where}: {name!r} lies in another file; it must be in this one")
        found = file.get(name)
        if not isinstance(found, h5py.Dataset):
            return None
        elsewhere = bool(found.external) or found.is_virtual or found.file.filename != file.filename
        stated, held = found.size * found.dtype.itemsize, file.id.get_filesize()
    except BROKEN as error:
        raise SlideError(f"{where}: {name!r} cannot be opened; the file is damaged") from error
    if elsewhere:
        raise SlideError(f"{where}: {name!r} lies in another file; it must be in this one")
    if stated > _MOST_PACKED * held + _SPARE:
        raise SlideError(
            f"{where}: {name!r} is said to be {list(found.shape)}, {stated:,} bytes, which a file of "
            f"{held:,} bytes cannot hold"
        )
    return found
