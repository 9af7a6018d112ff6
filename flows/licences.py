"""The licences of everything that Veritile needs to run, as the installed packages state them.

``python -m flows.licences`` writes ``docs/licences.md`` again. Nothing is asked of the network.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"

COPYLEFT = re.compile(
    r"A?GPL|General Public License|\bMPL|Mozilla|\bEPL|Eclipse|\bEUPL|\bCDDL|Sleepycat|\bSSPL|"
    r"CC-BY-(?:SA|NC)|Commons Clause",
    re.IGNORECASE,
)
"""Licences that ask something of those who pass a program on."""

ALLOWED_COPYLEFT = {
    "certifi": "MPL 2.0 of a list of certificates, which is used unchanged",
    "openslide-bin": "LGPL 2.1 of OpenSlide and libraries, which are linked dynamically and may be replaced",
    "openslide-python": "LGPL 2.1, used unchanged as a library",
    "orjson": "MPL 2.0 of some of its files, used unchanged as a library",
    "pathspec": "MPL 2.0, used unchanged as a library",
    "tqdm": "MPL 2.0 beside MIT, used unchanged as a library",
    "text-unidecode": "Artistic Licence or GPL; taken under the Artistic Licence",
}
"""What may be among them all the same, and why."""

_SHORT = 60
_TEXTS = {
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "BSD": "Redistribution and use in source and binary forms",
    "Apache-2.0": "Apache License Version 2.0",
}


class Licence(NamedTuple):
    """A package, its version, and the licence that it states."""

    name: str
    version: str
    licence: str


def licences(root: str = "veritile") -> list[Licence]:
    """Return the packages that ``root`` needs, directly or through others, sorted by name.

    Packages of extras, and those that this system does not need, are left out.
    """
    found: dict[str, Licence] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        for needed in _needs(name):
            if needed not in found:
                try:
                    own = distribution(needed)
                except PackageNotFoundError:
                    continue  # of another system, although its marker does not say so
                found[needed] = Licence(needed, own.version, _stated(own))
                waiting.append(needed)
    return sorted(found.values())


def copyleft(packages: list[Licence]) -> list[Licence]:
    """Return those whose licence asks something of those who pass a program on."""
    return [each for each in packages if COPYLEFT.search(each.licence)]


def page(packages: list[Licence]) -> str:
    """Return ``docs/licences.md``."""
    lines = [
        "# Licences",
        "",
        "Veritile itself is under Apache 2.0. These are the packages that it needs to run, with the",
        "licences that they state. `python -m flows.licences` writes this page from what is installed.",
        "Extras are not among them; that of `reports` brings python-docx (MIT) and lxml (BSD-3-Clause). A",
        "test fails where a package with a copyleft licence enters that the second table does not name.",
        "",
        "| package | licence |",
        "|---|---|",
        *(f"| {each.name} | {each.licence} |" for each in packages),
        "",
        "## Copyleft licences among them",
        "",
        "| package | why it may be there |",
        "|---|---|",
        *(
            f"| {each.name} | {ALLOWED_COPYLEFT.get(each.name, '**not allowed**')} |"
            for each in copyleft(packages)
        ),
        "",
        "## Files of others that Veritile carries with it",
        "",
        "| file | version and licence |",
        "|---|---|",
        "| `tasks/reporting/review/vendor/openseadragon.min.js` | OpenSeadragon 6.1.1, BSD-3-Clause, "
        "unchanged; its licence lies beside it and in every page |",
        "",
    ]
    return "\n".join(lines)


def _needs(name: str) -> Iterator[str]:
    for text in distribution(name).requires or ():
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            yield re.sub(r"[-_.]+", "-", needed.name).lower()


def _stated(own: Distribution) -> str:
    """Return the expression, else what the classifiers say, else the first words of the licence field."""
    about = own.metadata
    expression = about.get_all("License-Expression")
    if expression:
        return str(expression[0])
    kinds = [
        text.rpartition(" :: ")[2].strip()
        for text in about.get_all("Classifier") or ()
        if text.startswith("License ::") and text != "License :: OSI Approved"
    ]
    if kinds:
        return "; ".join(kinds)
    first = next(
        (line.strip() for line in "\n".join(about.get_all("License") or ()).splitlines() if line.strip()), ""
    )
    return first[:_SHORT].replace("|", "/") or _by_its_file(own)


def _by_its_file(own: Distribution) -> str:
    """Return what the text of a licence file is known as; some packages state nothing else."""
    for file in own.files or ():
        if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
            text = " ".join(file.read_text(encoding="utf-8").split())
            for name, words in _TEXTS.items():
                if words in text:
                    return f"{name} (its licence file)"
    return "not stated"


if __name__ == "__main__":
    PAGE.write_text(page(licences()), encoding="utf-8")
