"""The public names: each imports, is documented and stable, and importing the package costs nothing."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import veritile

ROOT = Path(__file__).parents[1]
TREE = ast.parse((ROOT / "veritile" / "__init__.py").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")


def test_every_listed_name_has_a_module_and_no_other_name_does():
    assert len(set(veritile.__all__)) == len(veritile.__all__)
    assert set(veritile.__all__) == set(veritile._MODULES)
    assert set(veritile.__all__) <= set(dir(veritile))


def test_type_checkers_see_what_runs():
    """The imports under TYPE_CHECKING name the same modules as the table."""
    (block,) = (node for node in TREE.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen == veritile._MODULES


@pytest.mark.parametrize("name", veritile.__all__)
def test_every_name_imports_says_what_it_is_and_is_on_the_page(name):
    item = getattr(veritile, name)
    assert item.__name__ == name
    assert (item.__doc__ or "").strip(), f"{name} has no docstring"
    assert re.search(rf"`{name}\b|\b{name}\(", PAGE), f"docs/library.md does not mention {name}"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = veritile.evalute


def test_importing_the_package_needs_no_heavy_import():
    code = (
        "import sys, time; start = time.perf_counter(); import veritile; "
        "seconds = time.perf_counter() - start; "
        "heavy = ('torch', 'prefect', 'mlflow', 'monai', 'pandas', 'numpy', 'pydantic'); "
        "print([m for m in heavy if m in sys.modules], seconds < 0.3)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[] True"


def test_listing_methods_and_reading_slides_needs_no_torch():
    code = (
        "import sys; from veritile import available, open_slide, PhantomRecipe; available('explainers'); "
        "print([m for m in ('torch', 'prefect', 'mlflow', 'monai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_family_makes_its_methods_by_name():
    makers = {
        "explainers": veritile.explainer,
        "metrics": veritile.metric,
        "model_metrics": veritile.model_metric,
        "regularizers": veritile.regularizer,
        "exemplars": veritile.exemplars,
        "aggregators": veritile.aggregator,
    }
    for family, make in makers.items():
        for name in veritile.available(family):
            assert make(name).name == name


def test_unknown_families_methods_and_settings_are_answered_in_one_sentence():
    with pytest.raises(ValueError, match="no family 'explainer'; the families are explainers, metrics, "):
        veritile.available("explainer")
    with pytest.raises(
        ValueError, match=r"no 'delition' among the faithfulness \(did you mean 'deletion'\?\)"
    ):
        veritile.metric("delition")
    with pytest.raises(ValueError, match="smoothgrad: unknown key 'sampels'; did you mean 'samples'"):
        veritile.explainer("smoothgrad", sampels=8)
    with pytest.raises(ValueError, match="smoothgrad: samples: input should be greater than"):
        veritile.explainer("smoothgrad", samples=0)


def test_mypy_sees_the_types(tmp_path):
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        "from veritile import evaluate, explainer, open_results, Comparison\n"
        "reveal_type(evaluate)\n"
        "reveal_type(explainer('gradient'))\n"
        "reveal_type(open_results().open('compare', Comparison).table)\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(snippet)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert "-> tasks.scoring.table.FaithfulnessTable" in done.stdout, done.stdout
    assert 'Revealed type is "tasks.explainers.base.Explainer"' in done.stdout
    assert "DataFrame" in done.stdout
