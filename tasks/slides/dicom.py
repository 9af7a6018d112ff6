"""Which series a DICOM file belongs to. Only that is read, and only its hash is returned.

A slide in DICOM is a series: OpenSlide takes all files of the folder with the same SeriesInstanceUID as
levels of one slide. The layout of the elements is that of DICOM PS3.5, section 7 and annex A.
"""

import hashlib
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

_PREAMBLE, _MAGIC = 128, b"DICM"
_SYNTAX, _SERIES = (0x0002, 0x0010), (0x0020, 0x000E)
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_IMPLICIT, _DEFLATED, _BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_UNDEFINED = 0xFFFFFFFF
_MOST = 16 << 20
"""Bytes of a deflated file, or of one value, that are looked at."""

Tag = tuple[int, int]


class _Elements:
    """Walks the elements of a data set, one after another."""

    def __init__(self, stream: BinaryIO, *, implicit: bool = False, big: bool = False) -> None:
        self._stream, self._implicit, self._order = stream, implicit, ">" if big else "<"

    def next(self) -> tuple[Tag, int]:
        """Return the tag and length of the next element; its value is next in the stream."""
        tag = self._numbers("HH", 4)
        if self._implicit or tag[0] == _ITEM[0]:
            return (tag[0], tag[1]), self._numbers("I", 4)[0]
        kind = self._exactly(2)
        if kind in _LONG:
            self._exactly(2)
            return (tag[0], tag[1]), self._numbers("I", 4)[0]
        return (tag[0], tag[1]), self._numbers("H", 2)[0]

    def value(self, length: int) -> bytes:
        """Return the value of the element."""
        return self._exactly(length)

    def skip(self, length: int) -> None:
        """Go to the end of the element; of a sequence without a length, through its items."""
        if length != _UNDEFINED:
            self._stream.seek(length, 1)
            return
        tag, length = self.next()
        while tag not in (_SEQUENCE_END, _ITEM_END):
            self.skip(length)
            tag, length = self.next()

    def _numbers(self, layout: str, size: int) -> tuple[int, ...]:
        return struct.unpack(self._order + layout, self._exactly(size))

    def _exactly(self, size: int) -> bytes:
        if size > _MOST:  # no value that is looked at is so long, and a buffer of this size would be made
            raise EOFError
        read = self._stream.read(size)
        if len(read) < size:
            raise EOFError
        return read


def is_dicom(path: Path) -> bool:
    """Whether the file starts as a DICOM file does."""
    with path.open("rb") as stream:
        return stream.read(_PREAMBLE + len(_MAGIC))[_PREAMBLE:] == _MAGIC


def series_of(path: Path) -> str | None:
    """Return 64 hex digits that files of one series have in common, or None where a file names no series."""
    if not is_dicom(path):
        return None
    try:
        with path.open("rb") as stream:
            stream.seek(_PREAMBLE + len(_MAGIC))
            series = _find(_data_set(stream), _SERIES)
    except (EOFError, RecursionError, zlib.error):
        return None
    return hashlib.sha256(series.rstrip(b"\0 ")).hexdigest() if series else None


def _data_set(stream: BinaryIO) -> _Elements:
    """Return the elements after the file's own group, in the syntax that this group states."""
    meta, syntax = _Elements(stream), ""
    while True:
        start = stream.tell()
        if stream.read(2) != b"\x02\x00":
            stream.seek(start)
            break
        stream.seek(start)
        tag, length = meta.next()
        value = meta.value(length)
        syntax = value.rstrip(b"\0 ").decode("ascii", "replace") if tag == _SYNTAX else syntax
    if syntax == _DEFLATED:
        stream = BytesIO(zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream.read(_MOST), _MOST))
    return _Elements(stream, implicit=syntax == _IMPLICIT, big=syntax == _BIG)


def _find(elements: _Elements, wanted: Tag) -> bytes | None:
    """Return the value of one element of the outermost level, or None; elements are in ascending sequence."""
    tag, length = elements.next()
    while tag < wanted:
        elements.skip(length)
        tag, length = elements.next()
    return elements.value(length) if tag == wanted else None
