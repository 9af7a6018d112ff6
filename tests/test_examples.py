"""Every example in a docstring runs, every family of plug-ins has one, and no page has an untested one."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUN_BY = {
    "docs/library.md": "tests/scoring/test_library_page.py",
    "docs/slide_faithfulness.md": "tests/scoring/bags/test_page.py",
    "docs/architecture.md": "tests/flows/test_new_stage.py",
    "docs/encoders.md": "tests/contracts/test_encoders_page.py",
    "CONTRIBUTING.md": "tests/contracts/test_documented_plugins.py",
}
"""The pages with Python, and the test that runs it."""
FAMILIES = (
    "tasks.regularizers", "tasks.explainers", "tasks.exemplars", "tasks.faithfulness", "tasks.model_metrics",
    "tasks.models.encoders", "tasks.slides", "tasks.phantoms", "tasks.statistics", "veritile",
)  # fmt: skip


def modules_with_examples() -> list[str]:
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for top in ("flows", "tasks", "veritile")
        for path in sorted((ROOT / top).rglob("*.py"))
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_run(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_an_example(family):
    assert [name for name in modules_with_examples() if name.rpartition(".")[0] == family]


def test_every_page_with_python_has_a_test_that_runs_it():
    pages = [path for top in (".", "docs", "data_manifests") for path in (ROOT / top).glob("*.md")]
    shown = {page.relative_to(ROOT).as_posix() for page in pages if "```python" in page.read_text("utf-8")}
    assert shown == set(RUN_BY)
    assert all((ROOT / test).is_file() for test in RUN_BY.values())
