"""veritile coordinates: where the tiles of a study lie, as files for CLAM and TRIDENT."""

from pathlib import Path
from typing import Literal, get_args

from rich.console import Console

from flows.commands.target import Target
from flows.config import load_study
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status
from flows.open_study import open_study
from tasks.artifacts.tile_set import TileSet
from tasks.study.errors import UsageError
from tasks.tiling.positions import export_coordinates

Layout = Literal["clam", "trident"]
_NAMES = {"clam": "{slide}.h5", "trident": "{slide}_patches.h5"}
"""The name that each tool looks for."""


def coordinates(target: Target, folder: Path, layout: str, console: Console) -> None:
    """Write one coordinate file per tiled slide of a study into ``folder``.

    Raises:
        UsageError: an unknown layout, or no slide of the study, or of those that were named, is tiled.
    """
    if layout not in _NAMES:
        raise UsageError(f"--layout is {layout!r}; allowed are {', '.join(get_args(Layout))}")
    plan = Plan(open_study(load_study(target.config), target.home, target.data_root))
    tiled = _tiled(plan, _named(plan, target.selection.slide))
    if not tiled:
        raise UsageError("no slide is tiled yet; veritile run makes the tiles")
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for slide, tiles in tiled.items():
        kind: Layout = "clam" if layout == "clam" else "trident"
        total += export_coordinates(tiles, folder / _NAMES[layout].format(slide=slide), kind)
    console.print(f"wrote {total} tiles of {len(tiled)} slides to {folder}", soft_wrap=True)


def _named(plan: Plan, wanted: tuple[str, ...]) -> frozenset[str]:
    """Return the slides that were named, or all.

    Raises:
        UsageError: a name that no slide of the study has.
    """
    own = frozenset(row.slide_id for row in plan.study.slides)
    unknown = sorted(set(wanted) - own)
    if unknown:
        raise UsageError(f"--slide {', '.join(unknown)}: the study has {', '.join(sorted(own))}")
    return frozenset(wanted) or own


def _tiled(plan: Plan, wanted: frozenset[str]) -> dict[str, TileSet]:
    """Return {slide: its stored tiles} of the slides that are wanted."""
    store = plan.study.store
    found: dict[str, TileSet] = {}
    for status in plan_status(plan, RerunOptions()):
        if status.key.stage != "tile" or status.spec is None:
            continue
        record = store.find(status.spec)
        if record is not None and status.key.slide in wanted:
            found[str(status.key.slide)] = TileSet(store.path(record.reference))
    return found
