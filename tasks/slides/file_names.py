"""Sentences without the names of a slide's files: files are often named after patients, slide ids are not."""

import re
from pathlib import PurePosixPath

from tasks.slides.row import SlideRow, input_files


def without_file_names(text: str, row: SlideRow) -> str:
    """Return ``text``, which names the slide, with every file of its row replaced by what the file is.

    Example:
        >>> cells = {"slide_id": "s1", "patient_id": "p", "path": "doe/john.svs", "split": "test"}
        >>> without_file_names("s1: john.svs: 404 corners", SlideRow.model_validate(cells))
        's1: its slide file: 404 corners'
    """
    for name, kind in kinds_of(row).items():
        if name in text:
            text = said_instead(text, name, f"its {kind}")
    return text


def kinds_of(row: SlideRow) -> dict[str, str]:
    """Return {path or name of a file: what it is}, the longest first."""
    names: dict[str, str] = {}
    for kind, path in input_files(row).items():
        for name in (path, PurePosixPath(path).name):
            names.setdefault(name, "slide file" if kind == "slide" else kind)
    return dict(sorted(names.items(), key=lambda item: len(item[0]), reverse=True))


def said_instead(text: str, name: str, told: str) -> str:
    """Return ``text`` with a name and the folders that stand before it replaced, and its quotation marks."""
    whole = rf"(['\"]?)(?:[^\s'\"]*/)?(?<![\w.-]){re.escape(name)}(?![\w-])\1"
    return re.sub(whole, lambda _: told, text)
