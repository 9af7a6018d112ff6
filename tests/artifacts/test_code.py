import importlib
import sys
from pathlib import Path

import pytest

from tasks.artifacts import code
from tasks.artifacts.code import code_of


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package of our name's shape whose files a test may change."""
    folder = tmp_path / "house"
    (folder / "sub").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "sub" / "__init__.py").write_text("")
    (folder / "top.py").write_text(
        '"""Doc."""\nfrom house.sub.low import add\n\ndef f(x):\n    """Say."""\n    return add(x)\n'
    )
    (folder / "sub" / "low.py").write_text("def add(x):\n    return x + 1\n")
    (folder / "other.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(code, "OURS", "house")
    yield folder
    for name in [n for n in sys.modules if n.split(".")[0] == "house"]:
        del sys.modules[name]


def digest(*modules):
    code._read.cache_clear()
    code._is_our_module.cache_clear()
    importlib.invalidate_caches()
    return code_of(modules)


def test_reaches_by_import_and_no_further(house):
    assert set(digest("house.top")) == {"house.top", "house.sub.low"}


def test_comments_and_docstrings_change_nothing(house):
    before = digest("house.top")
    (house / "top.py").write_text(
        '"""Another."""\n# why\nfrom house.sub.low import add\n\n\n'
        'def f(x):\n    """Else."""\n    return add(x)  # so\n'
    )
    assert digest("house.top") == before


def test_a_changed_line_changes_its_module_alone(house):
    before = digest("house.top")
    (house / "sub" / "low.py").write_text("def add(x):\n    return x + 2\n")
    after = digest("house.top")
    assert after["house.top"] == before["house.top"]
    assert after["house.sub.low"] != before["house.sub.low"]


def test_a_module_that_is_not_reached_does_not_count(house):
    before = digest("house.top")
    (house / "other.py").write_text("VALUE = 2\n")
    assert digest("house.top") == before


def test_foreign_modules_do_not_count():
    assert set(code_of(["tasks.functional.odds"])) == {"tasks.functional.odds"}


def test_a_module_that_is_absent_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"no_such"):
        code_of(["tasks.no_such"])


def test_every_module_of_the_house_can_be_read():
    root = Path(code.__file__).parents[1]
    modules = [
        ".".join(("tasks", *path.relative_to(root).with_suffix("").parts))
        for path in root.rglob("*.py")
        if path.name != "__init__.py"
    ]
    assert set(modules) <= set(code_of(modules))
