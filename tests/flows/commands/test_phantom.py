"""The list of plug-ins names every family that a study file can choose from."""

import io

from rich.console import Console

from flows.commands.phantom import plugins
from tasks.plugins import available


def test_models_of_slides_and_encoders_are_listed_too():
    out = io.StringIO()
    plugins(Console(file=out, width=200))
    listed = {line.split()[0] for line in out.getvalue().splitlines() if line.startswith("  ")}
    for family in ("explainers", "faithfulness", "models.mil", "models.encoders"):
        assert set(available(f"tasks.{family}")) <= listed, family
