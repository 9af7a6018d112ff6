"""Docstrings, comments and pages are in plain English, and pages fit a screen."""

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WIDTH = 100
COUNT, COUNTED = "one|two|three|four|a|an", "row|value|map|pass|file|column|draw|picture|figure|line|second"
OF = "arm|channel|class|epoch|explainer|image|map|metric|model|pixel|score|seed|slide|step|tile|unit"
PRIVATE = {
    "one per": rf"\bone an? ({OF})\b",
    "one row per": rf"\b({COUNT})( [\w-]+){{0,2}} ({COUNTED})(s|es)? an? ({OF})\b",
    "per seed": r"\ba seed each\b",
    "available, stored": r"\b(in hand|to be had|at hand)\b",
    "tolerate": r"\bput(s|ting)? up with\b",
    "does not matter": r"\bno hindrance\b",
    "minus": r"\bless (the|its|their|that of|every)\b",
    "otherwise": r"\blest\b",
    "per N": r"\bso many (days|seconds)\b",
    "that an explanation must beat": r"\bare to be beaten\b",
    "is never lower": r"\bhas nowhere to fall\b",
    "differs": r"\bmeans something else\b",
}  # fmt: skip
"""What we do not write, by what we write instead. Docs are read by people who know none of our idioms."""


def tracked(suffix: str, *folders: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return [
        ROOT / n for n in listed.splitlines() if n.endswith(suffix) and (not folders or n.startswith(folders))
    ]


PAGES = [page for page in tracked(".md") if page.parent.name != "results"]
"""Pages of results quote tables and captions that a run once wrote."""
SOURCES = tracked(".py", "flows/", "tasks/", "veritile/")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read_by_people(path: Path) -> str:
    """Return a page, or the docstrings and comments of a source file, without line breaks."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        nodes = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr))
        docstrings = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        text = "\n".join([*docstrings, *(t.string for t in tokens if t.type == tokenize.COMMENT)])
    return re.sub(r"\s*\n\s*(# )?", " ", text)


@pytest.mark.parametrize("path", [*SOURCES, *PAGES], ids=name_of)
def test_no_private_phrase(path):
    if path.name == "glossary.md":
        return
    text = read_by_people(path)
    found = {
        instead: m[0] for instead, rule in PRIVATE.items() if (m := re.search(rule, text, re.IGNORECASE))
    }
    assert not found


def prose(page: Path) -> list[tuple[int, str]]:
    """Return the numbered lines of a page without code, tables, lines with links, pictures or one name."""
    kept, code = [], False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = line.lstrip().startswith("```")
        code ^= fence
        if not (
            code
            or fence
            or line.lstrip().startswith(("|", "<"))
            or "](" in line
            or "http" in line
            or " " not in line.strip()
        ):
            kept.append((number, line))
    return kept


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_prose_fits_a_screen(page):
    wide = [f"line {number}: {len(line)} columns" for number, line in prose(page) if len(line) > WIDTH]
    assert not wide
