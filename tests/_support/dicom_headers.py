"""The head of a DICOM file in each syntax, as far as the element that names the series."""

import struct
import zlib

SYNTAXES = {
    "explicit": "1.2.840.10008.1.2.1",
    "implicit": "1.2.840.10008.1.2",
    "big": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
    "jpeg": "1.2.840.10008.1.2.4.50",
}
UNDEFINED = 0xFFFFFFFF


def dicom_file(syntax: str, series: str | None, pixels: bytes = b"pixels") -> bytes:
    """Return a file with sequences of both kinds of length before the series, which None leaves out."""
    implicit, sign = syntax == "implicit", ">" if syntax == "big" else "<"

    def element(group: int, number: int, kind: bytes, value: bytes, length: int | None = None) -> bytes:
        size = len(value) if length is None else length
        tag = struct.pack(f"{sign}HH", group, number)
        if implicit or group == 0xFFFE:
            return tag + struct.pack(f"{sign}I", size) + value
        if kind in (b"SQ", b"OB"):
            return tag + kind + b"\0\0" + struct.pack(f"{sign}I", size) + value
        return tag + kind + struct.pack(f"{sign}H", size) + value

    inner = element(0x0020, 0x000E, b"UI", b"9.9.9.9\0")  # a series that is only referred to
    end_item, end = element(0xFFFE, 0xE00D, b"", b""), element(0xFFFE, 0xE0DD, b"", b"")
    nested = element(
        0x0008, 0x1199, b"SQ", element(0xFFFE, 0xE000, b"", inner + end_item, UNDEFINED) + end, UNDEFINED
    )
    data = [
        element(0x0008, 0x0060, b"CS", b"SM"),
        element(
            0x0008,
            0x1115,
            b"SQ",
            element(0xFFFE, 0xE000, b"", nested + inner + end_item, UNDEFINED) + end,
            UNDEFINED,
        ),
        element(0x0008, 0x1140, b"SQ", element(0xFFFE, 0xE000, b"", inner)),
        element(0x0010, 0x0010, b"PN", b"Nobody^At All "),
        element(0x0020, 0x000D, b"UI", b"1.2.3\0"),
    ]
    if series is not None:
        data.append(element(0x0020, 0x000E, b"UI", series.encode() + b"\0" * (len(series) % 2)))
    data += [
        element(0x0028, 0x0010, b"US", struct.pack(f"{sign}H", 64)),
        element(0x7FE0, 0x0010, b"OB", pixels),
    ]
    body = b"".join(data)
    if syntax == "deflated":
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = packer.compress(body) + packer.flush()
    uid = SYNTAXES[syntax].encode()
    uid += b"\0" * (len(uid) % 2)
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
    return b"\0" * 128 + b"DICM" + length + meta + body
