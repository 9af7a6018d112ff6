"""Changes of good files that make bad ones: bytes, numbers, cells and words, by a seeded generator."""

import numpy as np

BYTES = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\n", b'"', b"\xef\xbb\xbf", b"\xff\xfe", b"\xf0\x9f\x98\x80")
NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 10**12, 2**63 - 1, 2**64 - 1)
WORDS = (
    b"-1", b"0", b"1e999", b"NaN", b"-Infinity", b"9" * 400, b"1000000000000", b"0x7fffffff", b"1_000", b"",
    b"null", b"true", b"[]", b"{}", b"~", b"..", b"../../canary.txt", b"/etc/passwd", b"file:///etc/passwd",
    b"C:\\canary.txt", b"http://127.0.0.1:9/x", b"\\\\host\\share\\x", b"a" * 140_000, b"\xc3\xa9\xcc\x81",
    b"\xe2\x80\xae", b"\x00", b"=1+1", b"!!python/object/apply:os.system [id]", b"!!binary x", b"2001-99-99",
    b"&a [*a]", b"<<: *a", b"? [a, b]", b"0b2", b"08", b"1:99:99", b"%s%n", b"${jndi:x}", b"<!DOCTYPE x>",
    b"<!ENTITY x SYSTEM 'file:///etc/passwd'>", b"&x;", b"&#0;", b"<![CDATA[", b"]]>", b"nan", b"inf",
    b"[" * 3000, b"{\"a\":" * 2000, b"<a>" * 3000, b"- " * 3000, b"1" + b"0" * 310, b"'", b'"', b",", b"\t",
)  # fmt: skip


def mutated(data: bytes, others: tuple[bytes, ...], draw: np.random.Generator, *, text: bool) -> bytes:
    """Return ``data`` with one to five changes; ``others`` are further good files to take pieces from."""
    changed = bytearray(data)
    for _ in range(int(draw.integers(1, 6))):
        kinds = _OF_TEXT if text and draw.random() < 0.75 else _OF_BYTES
        kinds[int(draw.integers(len(kinds)))](changed, others, draw)
    return bytes(changed)


def _place(data: bytearray, draw: np.random.Generator) -> int:
    """Return a position; the head of a file decides most, so it is drawn more often."""
    if not data:
        return 0
    within = min(len(data), 1024) if draw.random() < 0.6 else len(data)
    return int(draw.integers(within))


def _flip(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    for _ in range(int(draw.integers(1, 9))):
        if data:
            data[_place(data, draw)] ^= 1 << int(draw.integers(8))


def _set(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    at, put = _place(data, draw), BYTES[int(draw.integers(len(BYTES)))]
    data[at : at + len(put)] = put


def _number(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    size = int(draw.choice([1, 2, 4, 8]))
    value = NUMBERS[int(draw.integers(len(NUMBERS)))] % 2 ** (8 * size)
    at = _place(data, draw)
    data[at : at + size] = value.to_bytes(size, "little" if draw.random() < 0.7 else "big")


def _cut(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    del data[_place(data, draw) :]


def _leave_out(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    at = _place(data, draw)
    del data[at : at + int(draw.integers(1, 64))]


def _repeat(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    at = _place(data, draw)
    data[at:at] = bytes(data[at : at + int(draw.integers(1, 64))]) * int(draw.integers(1, 20))


def _splice(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    other = others[int(draw.integers(len(others)))]
    at, start = _place(data, draw), int(draw.integers(max(1, len(other))))
    data[at : at + 64] = other[start : start + int(draw.integers(1, 256))]


def _word(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    """Replace what stands between two separators."""
    at, end = _place(data, draw), 0
    while at > 0 and bytes(data[at - 1 : at]) not in _SEPARATORS:
        at -= 1
    end = at
    while end < len(data) and bytes(data[end : end + 1]) not in _SEPARATORS:
        end += 1
    data[at:end] = WORDS[int(draw.integers(len(WORDS)))]


def _line(data: bytearray, others: tuple[bytes, ...], draw: np.random.Generator) -> None:
    """Leave a line out, repeat it, or exchange it with another."""
    lines = bytes(data).split(b"\n")
    one, other = (int(draw.integers(len(lines))) for _ in range(2))
    how = int(draw.integers(3))
    if how == 0:
        del lines[one]
    elif how == 1:
        lines.insert(other, lines[one])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    data[:] = b"\n".join(lines)


_SEPARATORS = {bytes([value]) for value in b",;:\t\n \"'<>[]{}=&()"}
_OF_BYTES = (_flip, _set, _number, _cut, _leave_out, _repeat, _splice)
_OF_TEXT = (_word, _word, _word, _line, _repeat, _leave_out, _splice)
