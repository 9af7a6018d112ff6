"""Arrays that are written through a memory map, in files whose whole space is allocated first.

A map of a file that has no space yet is a promise: where the disk is full when a page of it is first
touched, the kernel ends the process with SIGBUS and nothing can be told.
"""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_REFUSED = (errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS)
"""What file systems answer that cannot allocate ahead."""
_CHUNK = 1 << 20


def new_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return the array of a new ``.npy`` file, mapped for writing; its values are 0.

    The file has the bytes that ``numpy.lib.format.open_memmap`` gives.

    Raises:
        OSError: the disk has no space for it; then there is no such file.
    """
    wanted = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * wanted.itemsize
    header = {"descr": np.lib.format.dtype_to_descr(wanted), "fortran_order": False, "shape": shape}
    try:
        with path.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, header)
            start = stream.tell()
            stream.flush()
            allocate(stream.fileno(), start, size)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    if not size:
        return np.empty(shape, wanted)
    return np.memmap(path, dtype=wanted, mode="r+", offset=start, shape=shape)


def allocate(descriptor: int, start: int, size: int) -> None:
    """Let a file have ``size`` further bytes of 0 from its end ``start`` on, with space on the disk for them.

    Raises:
        OSError: there is none.
    """
    if not size:
        return
    try:
        os.posix_fallocate(descriptor, start, size)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
    except AttributeError:  # as on macOS
        pass
    else:
        return
    _write_zeros(descriptor, start, size)


def _write_zeros(descriptor: int, start: int, size: int) -> None:
    zeros, end = bytes(min(size, _CHUNK)), start + size
    while start < end:
        # A disk that is nearly full takes a part, and refuses at the next call.
        start += os.pwrite(descriptor, zeros[: end - start], start)
    # Some file systems, as those over a network, learn only now that there is no space.
    os.fsync(descriptor)
