"""Every example in a docstring runs, and every family of plug-ins has one."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAMILIES = (
    "tasks.regularizers", "tasks.explainers", "tasks.exemplars", "tasks.faithfulness", "tasks.model_metrics",
    "tasks.slides", "tasks.phantoms", "tasks.statistics",
)  # fmt: skip


def modules_with_examples() -> list[str]:
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for top in ("flows", "tasks")
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
