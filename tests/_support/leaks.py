"""A search of everything below a folder for a word, also inside archives, tables, pictures and streams."""

import base64
import binascii
import bz2
import io
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py
import imagecodecs
import numpy as np
import pyarrow.parquet as pq
import tifffile
from PIL import Image

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")
_ZLIB = (b"\x78\x01", b"\x78\x9c", b"\x78\xda")
_PACKED = (
    (b"\x1f\x8b", "gzip", lambda data: zlib.decompressobj(31).decompress(data, 1 << 26)),
    (b"BZh", "bz2", bz2.decompress),
    (b"\x28\xb5\x2f\xfd", "zstd", imagecodecs.zstd_decode),
)
_DEEPEST = 6


def leaks(folder: Path, needle: str) -> list[str]:
    """Return every place below ``folder`` where the word stands, in any encoding that is known here."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if needle in path.name.lower():
            found.append(f"{name}: its name")
        if path.is_file() and not path.is_symlink():
            found += [f"{name}: {where}" for where in leaks_of_file(path, needle)]
    return list(dict.fromkeys(found))


def leaks_of_file(path: Path, needle: str) -> list[str]:
    """Return every place of one file where the word stands."""
    data = path.read_bytes()
    found = leaks_in(data, needle)
    if data[:16] == b"SQLite format 3\0":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as base:
            for (table,) in base.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in base.execute(f'select * from "{table}"'):
                    for cell in row:
                        raw = cell if isinstance(cell, bytes) else str(cell).encode()
                        found += [f"table {table}: {each}" for each in leaks_in(raw, needle)]
    if data[:8] == b"\x89HDF\r\n\x1a\n":
        with h5py.File(path) as file:
            parts = [repr(dict(file.attrs))]
            file.visititems(lambda name, held: parts.append(f"{name} {dict(held.attrs)!r}"))
            found += leaks_in("\n".join(parts).encode(), needle)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        with tifffile.TiffFile(path) as tiff:
            for page in tiff.pages:
                found += leaks_in(repr([tag.value for tag in page.tags.values()]).encode(), needle)
    return found


def leaks_in(data: bytes, needle: str, depth: int = 0) -> list[str]:
    """Return where the word stands in bytes: as text of any width, and in what is packed into them."""
    found = [f"as {how}: {_around(data, at)}" for how, at in _plain(data, needle)]
    if depth < _DEEPEST:
        for how, part in _unpacked(data, depth):
            found += [f"{how} > {where}" for where in leaks_in(part, needle, depth + 1)]
    return found


def _plain(data: bytes, needle: str) -> Iterator[tuple[str, int]]:
    lower = data.lower()
    forms = {name: needle.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")}
    forms |= {"hex": binascii.hexlify(needle[1:].encode())}
    for name, form in forms.items():
        at = lower.find(form)
        if at >= 0:
            yield name, at


def _around(data: bytes, at: int) -> str:
    return repr(data[max(0, at - 60) : at + 60])


def _unpacked(data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    if data[:4] == b"PAR1":
        with suppress(Exception):
            yield "parquet", _parquet(data)
        return
    yield from _archived(data)
    if data[:4] == b"\x89PNG":
        yield "png texts", _texts(data)
    if data[:2] in _ZLIB:
        with suppress(zlib.error):
            yield "zlib", zlib.decompressobj().decompress(data, 1 << 26)
    if depth and data[:1] not in (b"<", b"{", b"["):
        with suppress(zlib.error):
            yield "deflate", zlib.decompressobj(-15).decompress(data, 1 << 26)
    if data[:4] not in _PICTURES:
        yield from _base64(data)


def _archived(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data[:4] == b"PK\x03\x04":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                yield (
                    f"zip {info.filename}",
                    b"\n".join([info.filename.encode(), info.comment, archive.read(info)]),
                )
    for magic, how, read in _PACKED:
        if data[: len(magic)] == magic:
            with suppress(Exception):
                yield how, bytes(read(data))


def _base64(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _BASE64.finditer(data):
        text = match.group().rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4) if len(text) < 4000 else (0,):
            part = text[start:]
            with suppress(binascii.Error):
                whole = part if len(part) % 4 != 1 else part[:-1]
                yield "base64", base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _parquet(data: bytes) -> bytes:
    file = pq.ParquetFile(io.BytesIO(data))
    texts = [str(file.schema_arrow), repr(file.metadata.metadata), repr(file.schema_arrow.metadata)]
    for name, column in zip(file.schema_arrow.names, file.read().columns, strict=True):
        if str(column.type) in ("string", "large_string", "binary", "large_binary") or "dict" in str(
            column.type
        ):
            texts += [f"column {name}: {value}" for value in column.unique().to_pylist()]
    return "\n".join(texts).encode()


def _texts(data: bytes) -> bytes:
    with suppress(Exception), Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return repr(picture.info).encode() + repr(getattr(picture, "text", "")).encode()
    return b""


def pictures(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every picture below ``folder`` as uint8 [H, W, 3]: of files, pages and archives."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            for how, data in _picture_bytes(path.read_bytes(), 0):
                with suppress(Exception), Image.open(io.BytesIO(data)) as picture:
                    yield f"{path.relative_to(folder)} {how}", np.asarray(picture.convert("RGB"))


def _picture_bytes(data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    if data[:4] in _PICTURES or data[:4] in (b"II*\0", b"II+\0"):
        yield "", data
    elif depth < _DEEPEST and data[:4] != b"PAR1":
        for how, part in _unpacked(data, 1):
            yield from ((f"{how} {inner}", found) for inner, found in _picture_bytes(part, depth + 1))
