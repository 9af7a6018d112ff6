"""Each new method that CONTRIBUTING shows is one file; the contracts find it and it keeps them."""

import os
import re
import subprocess
import sys

import pytest

from tests._support.snippets import ROOT, blocks

SHOWN = {
    "regularizers/my_penalty.py": "class MyPenalty(Regularizer)",
    "explainers/my_map.py": "class MyMap(Explainer)",
    "faithfulness/my_metric.py": "class MyMetric(Metric)",
    "aggregators/my_aggregator.py": "class MyAggregator(Aggregator)",
    "model_metrics/my_model_metric.py": "class MyModelMetric(ModelMetric)",
}


def file_with(text):
    (block,) = (block for block in blocks("CONTRIBUTING.md") if text in block)
    return block


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A tree of links to all that there is, with the files of the page beside them."""
    tree = tmp_path_factory.mktemp("tree")
    families = {name.partition("/")[0] for name in SHOWN}
    for entry in (*ROOT.iterdir(), *(ROOT / "tasks").iterdir()):
        if entry.name not in families | {"tasks", ".git", "__pycache__"}:
            link = tree / entry.relative_to(ROOT)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(entry)
    for family in families:
        (tree / "tasks" / family).mkdir()
        for entry in (ROOT / "tasks" / family).glob("*.py"):
            (tree / "tasks" / family / entry.name).symlink_to(entry)
    for name, text in SHOWN.items():
        (tree / "tasks" / name).write_text(file_with(text))
    return tree


def test_the_contracts_find_the_new_files_and_hold(tree):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/contracts", "-q", "-p", "no:cacheprovider", "-k", "my_"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed > 40, done.stdout


def test_every_method_of_the_page_is_tested():
    shown = [block for block in blocks("CONTRIBUTING.md") if "(Stage[" not in block]
    assert sorted(shown) == sorted(file_with(text) for text in SHOWN.values())
