"""Files mapped into memory that hold no file descriptor.

Python's own maps duplicate the descriptor of their file and keep it for as long as they live. A process has
about a thousand of them, so a training on more slides could not open its tiles.
"""

import ctypes
import mmap
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
)  # fmt: skip
_LIBC.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_FAILED = ctypes.c_void_p(-1).value


def mapped_array(path: Path) -> NDArray[Any]:
    """Return the array in a ``.npy`` file. Its values are read from the file when they are looked at.

    The array cannot be written. The file is unmapped when nothing refers to the array any more.

    Raises:
        OSError: the file is absent, or cannot be mapped.
        ValueError: it is no ``.npy`` file, or holds Python objects.
    """
    with path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read_header = np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read_header(stream)
        if dtype.hasobject:
            raise ValueError(f"{path.name} holds Python objects, which are not read")
        start, size = stream.tell(), int(np.prod(shape)) * dtype.itemsize
        if not size:
            return _locked(np.empty(shape, dtype))
        if os.fstat(stream.fileno()).st_size < start + size:
            raise ValueError(f"{path.name} ends before its array does")
        values = np.ctypeslib.as_array(_mapped(stream.fileno(), start + size))[start:].view(dtype)
    return _locked(values.reshape(shape, order="F" if fortran else "C"))


def _mapped(descriptor: int, size: int) -> ctypes.Array[ctypes.c_ubyte]:
    """Return the first ``size`` bytes of a file, mapped for as long as what is returned lives."""
    address = _LIBC.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    if address == _FAILED:
        code = ctypes.get_errno()
        raise OSError(code, f"{size} bytes cannot be mapped: {os.strerror(code)}")
    found = (ctypes.c_ubyte * size).from_address(address)
    weakref.finalize(found, _LIBC.munmap, address, size)
    return found


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
