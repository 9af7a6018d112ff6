"""The list of plug-ins names every family that a study file can choose from."""

import io

import pytest
from rich.console import Console

from flows.commands.phantom import plugins
from tasks import explainers
from tasks.plugins import available
from tasks.study.errors import ConfigError


def test_models_of_slides_and_encoders_are_listed_too():
    out = io.StringIO()
    plugins(Console(file=out, width=200))
    listed = {line.split()[0] for line in out.getvalue().splitlines() if line.startswith("  ")}
    for family in ("explainers", "faithfulness", "models.mil", "models.encoders"):
        assert set(available(f"tasks.{family}")) <= listed, family


def test_a_plugin_that_cannot_be_imported_is_named_and_the_rest_is_listed(tmp_path, monkeypatch):
    (tmp_path / "broken_map.py").write_text("import a_module_that_nobody_has\n")
    monkeypatch.setattr(explainers, "__path__", [*explainers.__path__, str(tmp_path)])
    out = io.StringIO()
    with pytest.raises(ConfigError, match=r"explainers/broken_map\.py: ModuleNotFoundError: No module named"):
        plugins(Console(file=out, width=200))
    lines = out.getvalue().splitlines()
    assert [line.split() for line in lines if "broken_map" in line] == [
        ["broken_map", "cannot", "be", "imported"]
    ]
    assert any(line.startswith("  smoothgrad") for line in lines)
    assert any(line.startswith("  top_share") for line in lines)
