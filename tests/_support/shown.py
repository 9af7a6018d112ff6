"""What pages show beside Python: commands that a reader types, and pieces of study files."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from flows.cli import app
from tests._support.snippets import ROOT

PAGES = sorted(page for top in (".", "docs", "data_manifests") for page in (ROOT / top).glob("*.md"))

TILES = {
    "study": "shown", "manifest": "manifest.csv", "tile": {"mpp": 0.5},
    "train": {"arms": [{"id": "standard"}, {"id": "noise"}], "seeds": [0]},
    "explain": {"explainers": ["gradient"], "controls": ["optical_density"]},
    "evaluate": {"metrics": ["deletion"]},
}  # fmt: skip
SLIDES = {
    "level": "slide", "train": {"recipe": {"bag": {}}},
    "explain": {"explainers": ["keep_one"], "controls": []}, "evaluate": {"metrics": ["tile_deletion"]},
}  # fmt: skip
"""The rest of a study file around a piece, for each level."""


def commands(page: Path) -> Iterator[str]:
    """Yield every ``veritile ...`` of a page, in fenced code and within sentences."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith("veritile "):
                yield line.strip()
    for inline in re.findall(r"`(veritile [^`]+)`", text):
        yield " ".join(inline.split())


def misfits(command: str) -> list[str]:
    """Return the words of a command line that Veritile does not have: a command, or an option of it."""
    words, own = shlex.split(command, comments=True)[1:], typer.main.get_command(app)
    everywhere = {option for parameter in own.params for option in parameter.opts} | {"--help"}
    while hasattr(own, "commands") and words and not words[0].startswith("-"):
        if words[0] not in own.commands:
            return [words[0]]
        own = own.commands[words.pop(0)]
    there = everywhere | {option for parameter in own.params for option in parameter.opts}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in there]


def whole_study(piece: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study file with ``piece`` in it, and what it needs beside that."""
    rest = _merged(TILES, SLIDES) if _is_of_slides(piece) else TILES
    classes = piece.get("tile", {}).get("classes")
    if classes is not None and "train" not in piece:
        rest = _merged(rest, {"train": {"recipe": {"classes": classes, "target_class": classes[-1]}}})
    return _merged(rest, piece)


def _is_of_slides(piece: Mapping[str, Any]) -> bool:
    return piece.get("level") == "slide" or "tile_to_pixel" in piece.get("explain", {})


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {name for name in other if isinstance(one.get(name), Mapping) and isinstance(other[name], Mapping)}
    return {**one, **other, **{name: _merged(one[name], other[name]) for name in both}}
