"""veritile phantom and plugins."""

from pathlib import Path

import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.progress import item_bar, shown
from tasks.phantoms.bags.generate import generate_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe
from tasks.phantoms.generate import generate_cohort
from tasks.phantoms.recipe import PhantomRecipe
from tasks.plugins import available, plugin_class
from tasks.study.errors import ConfigError

_FAMILIES = {
    "regularizers": "regularizers",
    "explainers": "explainers",
    "exemplars": "exemplars",
    "faithfulness": "faithfulness",
    "model_metrics": "model_metrics",
    "aggregators": "aggregators",
    "slide models": "models.mil",
    "encoders": "models.encoders",
}
"""Where each family lies below ``tasks``, by its heading."""
_BROKEN = (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError)
"""What a file of an author may raise while it is imported."""


def phantom(folder: Path, recipe: Path | None, rule: str | None, console: Console) -> None:
    """Generate a phantom cohort in ``folder``: one with a label per slide where there is a rule for it."""
    data = (yaml.safe_load(recipe.read_text(encoding="utf-8")) if recipe else {}) or {}
    if rule is not None:
        data["rule"] = rule
    kind = BagPhantomRecipe if "rule" in data else PhantomRecipe
    try:
        wanted = kind.model_validate(data)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        ) from None
    with shown(console), item_bar("phantom slides") as advance:
        if isinstance(wanted, BagPhantomRecipe):
            manifest = generate_bags(folder, wanted, advance)
        else:
            manifest = generate_cohort(folder, wanted, advance)
    console.print(f"wrote {manifest}")


def plugins(console: Console) -> None:
    """Print every plug-in of every family. One that cannot be imported is named, and the rest is printed.

    Raises:
        ConfigError: some cannot be imported, with the reasons.
    """
    broken: list[str] = []
    for heading, family in _FAMILIES.items():
        table = Table(heading, "", box=None, pad_edge=False, show_header=True)
        for name in available(f"tasks.{family}"):
            try:
                doc = plugin_class(f"tasks.{family}", name).__doc__ or ""
            except _BROKEN as error:
                broken.append(f"tasks/{family.replace('.', '/')}/{name}.py: {type(error).__name__}: {error}")
                table.add_row(f"  {name}", "[red]cannot be imported[/]")
                continue
            table.add_row(f"  {name}", escape(doc.strip().partition("\n")[0]))
        console.print(table)
    if broken:
        raise ConfigError("\n".join(["some plug-ins cannot be imported:", *broken]))
