"""The text of an annotation file, by the encoding that the file declares."""

import codecs
import json
import re
from pathlib import Path

from tasks.slides.errors import SlideError

_BYTE_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""UTF-32 comes before UTF-16, whose little-endian mark it begins with."""

_WITHOUT_MARK = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")


def xml_text(path: Path) -> str:
    """Return the text of an XML file: by its byte order mark, else as its first line declares, else UTF-8.

    Raises:
        SlideError: an encoding that does not exist, or bytes that do not fit it.
    """
    data = path.read_bytes()
    encoding = _marked(data) or next((name for start, name in _WITHOUT_MARK if data.startswith(start)), None)
    declared = _DECLARED.match(data)
    if encoding is None:
        encoding = declared.group(1).decode("ascii") if declared else "utf-8"
    return _decoded(
        path, data, encoding, "as its first line declares" if declared else "as XML is by default"
    )


def json_text(path: Path) -> str:
    """Return the text of a JSON file, which is UTF-8, UTF-16 or UTF-32 and cannot declare anything else.

    Raises:
        SlideError: bytes that do not fit.
    """
    return json_of(path.read_bytes(), path)


def json_of(data: bytes, path: Path) -> str:
    """Return the text of the bytes of a JSON file, or of one that lies in the archive ``path``.

    Raises:
        SlideError: bytes that do not fit.
    """
    encoding = _marked(data) or json.detect_encoding(data)
    return _decoded(path, data, encoding, "as JSON must be; save it as UTF-8")


def _marked(data: bytes) -> str | None:
    return next((name for mark, name in _BYTE_MARKS if data.startswith(mark)), None)


def _decoded(path: Path, data: bytes, encoding: str, why: str) -> str:
    try:
        return data.decode(encoding)
    except LookupError as error:
        raise SlideError(f"{path.name} declares the encoding {encoding!r}, which does not exist") from error
    except UnicodeDecodeError as error:
        raise SlideError(
            f"{path.name} is not {encoding.upper()}, {why}: byte {error.start} cannot be read"
        ) from error
