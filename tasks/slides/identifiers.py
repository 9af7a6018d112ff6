"""Ids as people write them: two spellings that mean the same have the same normal form."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that show nothing although Unicode counts them as letters, marks or symbols."""

_LOOK_ALIKE = str.maketrans(
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
    "\u0430\u0435\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u0455"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
    "ABESIJKMHOPCTYXaeijopcyxsABEZHIKMNOPTYXo",
)
"""Cyrillic and Greek letters that look like Latin ones."""

_NUMBER = re.compile(r"(\d+)[.,]0+")
_SCIENTIFIC = re.compile(r"(\d+)(?:[.,](\d+))?e\+(\d{1,2})")
_DIGITS = re.compile(r"\d+")


def _without_invisible(text: str) -> str:
    shown = (c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())
    return _IGNORABLE.sub("", "".join(shown))


def _of_one_width(text: str) -> str:
    """Return compatible forms as plain ones: full-width digits, ligatures; every dash as ``-``."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join("-" if unicodedata.category(c) == "Pd" or c == "\u2212" else c for c in plain)


def _with_single_spaces(text: str) -> str:
    return " ".join(text.split())


def _in_latin(text: str) -> str:
    return text.translate(_LOOK_ALIKE)


def _as_number(text: str) -> str:
    """Return a whole number that a spreadsheet wrote as ``1.0`` or ``1E+03`` without these signs."""
    whole = _NUMBER.fullmatch(text)
    if whole:
        return whole[1]
    power = _SCIENTIFIC.fullmatch(text)
    if power and len(power[2] or "") <= int(power[3]):
        return power[1] + (power[2] or "").ljust(int(power[3]), "0")
    return text


def _without_leading_zeros(text: str) -> str:
    return _DIGITS.sub(lambda digits: digits[0].lstrip("0") or "0", text)


_STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("invisible characters", _without_invisible),
    ("forms of the same characters", _of_one_width),
    ("spaces", _with_single_spaces),
    ("letters of another alphabet that look alike", _in_latin),
    ("capital letters", str.casefold),
    ("how a number is written", _as_number),
    ("leading zeros", _without_leading_zeros),
)


class Twice(NamedTuple):
    """One id in two spellings.

    Attributes:
        first: where the first spelling stands first.
        second: where the second spelling stands first.
        difference: what the spellings differ in, in words.
    """

    first: int
    second: int
    difference: str


def normal_form(text: str) -> str:
    """Return the normal form of an id. It is for comparison alone; ids are stored as they are written.

    Left out are invisible characters, leading zeros of each group of digits and ``.0`` of a number. Width,
    capital letters, dashes, runs of spaces and letters that look alike are made equal.

    Example:
        >>> normal_form("P\u200b 007"), normal_form("p  7"), normal_form("1.0"), normal_form("1.10")
        ('p 7', 'p 7', '1', '1.10')
    """
    for _, step in _STEPS:
        text = step(text)
    return text


def spelt_twice(written: Iterable[tuple[int, str]]) -> Iterator[Twice]:
    """Yield every id that has two spellings.

    Args:
        written: numbers of rows, and the id that is written there.
    """
    spellings: dict[str, dict[str, int]] = {}
    for row, text in written:
        same = spellings.setdefault(normal_form(text), {})
        if text not in same:
            if same:
                earlier, first = next(iter(same.items()))
                yield Twice(first, row, _difference(earlier, text))
            same[text] = row


def _difference(one: str, other: str) -> str:
    """Return the names of the steps that bring two spellings closer, joined by *and*."""
    names = []
    for name, step in _STEPS:
        changed = step(one), step(other)
        # A step counts if without it the two stay apart.
        rest = (one, other)
        for kept, also in _STEPS:
            if kept != name:
                rest = also(rest[0]), also(rest[1])
        if rest[0] != rest[1]:
            names.append(name)
        one, other = changed
    return " and ".join(names) or "how they are written"
