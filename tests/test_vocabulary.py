"""One word, one meaning: no public name holds a word that docs/glossary.md says we do not use."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(p for top in ("flows", "tasks", "veritile") for p in (ROOT / top).rglob("*.py"))

ALLOWED = {
    "a sequence, in the mathematical sense": {
        "adversarial_order", "asked_orders", "clean_order", "epoch_order", "faithful_order", "order", "Order",
        "orders", "ORDERS", "random_orders",
    },
    "a parameter of a plug-in or a key of study files": {
        "least_share", "share", "tissue_share", "TissueShare", "top_share", "TopShare",
    },
    "the name of a method in the literature, and what it masks by": {
        "saliency", "saliency_guided", "SaliencyGuided",
    },
    "a device slot, as the glossary has it": {"device_slots"},
    "an idiom of the field: in-place operations": {"in_place"},
    "an idiom: to leave something as it was found": {"leave_as_found"},
}  # fmt: skip
"""Names that hold such a word for a reason."""


def words_not_to_use() -> set[str]:
    """Return the single words of the first column of the glossary's last table."""
    table = (
        (ROOT / "docs" / "glossary.md")
        .read_text(encoding="utf-8")
        .partition("\n## Words that we do not use")[2]
    )
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")][1:]
    entries = [re.sub(r"\(.*\)", "", entry).strip().lower() for row in rows for entry in row.split(",")]
    return {entry for entry in entries if entry and " " not in entry}


def words_of(name: str) -> list[str]:
    """Split snake_case and CamelCase into words."""
    return [word.lower() for word in re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).split("_") if word]


def public_names(path: Path) -> Iterator[str]:
    """Yield the module, its classes, functions, fields and constants; of commands the options too."""
    yield path.stem if path.name != "__init__.py" else path.parent.name
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from names_in(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(
            "app.command" in ast.unparse(d) for d in node.decorator_list
        ):
            yield from (argument.arg for argument in node.args.args)


def names_in(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
            yield from names_in(node.body)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_the_glossary_lists_the_words():
    assert {
        "place",
        "share",
        "order",
        "part",
        "slot",
        "standing",
        "verb",
        "known",
        "less",
    } <= words_not_to_use()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_public_names_keep_to_the_glossary(path):
    forbidden, allowed = words_not_to_use(), set().union(*ALLOWED.values())
    bad = {
        name: sorted(forbidden.intersection(words_of(name)))
        for name in public_names(path)
        if not name.startswith("_") and name not in allowed and forbidden.intersection(words_of(name))
    }
    assert not bad, "see the last table of docs/glossary.md"


def test_every_exception_is_still_needed():
    used = {name for path in SOURCES for name in public_names(path)}
    assert set().union(*ALLOWED.values()) <= used
