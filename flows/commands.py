"""What the commands do, once the command line is read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import get_args

import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.config import STAGES, ConfigError, Split, Stage
from flows.problems import load_study
from flows.progress import part_bar, shown
from flows.session import Orders, Selection, Session, UsageError, open_session
from flows.standing_rows import standing_rows
from flows.status import Examination, Standing
from flows.status import adopt as adopt_stage
from tasks.slides.manifest import SlideRow


@dataclass(frozen=True)
class Target:
    """Where a command works and what it forces, as typed by the user."""

    home: Path
    data_root: Path | None = None
    only: str | None = None
    from_stage: str | None = None
    selection: Selection = field(default_factory=Selection)

    @property
    def orders(self) -> Orders:
        """The checked form of what the user forces."""
        return Orders(_stage(self.only), _stage(self.from_stage), self.selection)


@dataclass(frozen=True)
class Clock:
    """When a schedule fires: by cron or every so many seconds."""

    cron: str | None
    every: int | None
    timezone: str


def _stage(name: str | None) -> Stage | None:
    for stage in get_args(Stage):
        if name == stage:
            return stage  # type: ignore[no-any-return]  # get_args forgets the literal type
    if name is None:
        return None
    raise UsageError(f"no stage {name!r}; the stages are: {', '.join(STAGES)}")


def run(path: Path, target: Target, console: Console) -> None:
    """Run the study at ``path`` and print what came out."""
    from flows.results import print_outcome
    from flows.study import study

    config, orders = load_study(path), target.orders
    open_session(config, target.home.resolve(), target.data_root, orders)
    with shown(console):
        outcome = study(
            config, target.home, target.data_root, orders.only, orders.from_stage, orders.selection
        )
    print_outcome(outcome, target.home, console)


def status(path: Path, target: Target, console: Console, *, verify: bool, every: bool) -> None:
    """Print the parts that are not done, with their reasons, and a count of the rest."""
    standings = list(Examination(_session(path, target), full=verify).standings())
    table = Table("part", "state", "why", box=None, pad_edge=False)
    for row in standing_rows(standings, every=every):
        table.add_row(*map(escape, row))
    if table.row_count:
        console.print(table)
    _print_counts(standings, console)


def _print_counts(standings: list[Standing], console: Console) -> None:
    for stage in STAGES:
        counts = Counter(s.state for s in standings if s.slot.stage == stage)
        console.print(f"{stage:9}" + ", ".join(f"{n} {state}" for state, n in sorted(counts.items())))
    versions = sorted({v for s in standings for v in s.other_versions})
    if versions:
        console.print(f"made with other library versions (this reruns nothing): {', '.join(versions)}")


def validate(path: Path, target: Target, console: Console) -> None:
    """Check the study file and its manifest, and print what the study consists of."""
    session = _session(path, target)
    places: Counter[str] = Counter(s.slot.stage for s in Examination(session).standings())
    console.print(f"{session.config.study}: {_slides_by_split(session.slides)}")
    for fold in session.folds:
        console.print(f"fold {fold.index}: {_slides_by_split(fold.rows(session.slides))}")
    console.print("parts: " + ", ".join(f"{places[stage]} {stage}" for stage in STAGES))


def _slides_by_split(rows: Sequence[SlideRow]) -> str:
    splits = Counter(row.split for row in rows)
    return ", ".join(f"{splits[split]} {split} slides" for split in get_args(Split) if splits[split])


def adopt(stage: str, reason: str, path: Path, target: Target, console: Console) -> None:
    """Adopt the stored artifacts of ``stage`` and print which."""
    if not reason.strip():
        raise UsageError("--reason must say why the changed code gives the same numbers")
    adopted = adopt_stage(_session(path, target), str(_stage(stage)), reason)
    console.print(f"adopted {len(adopted)} parts of {stage}" + "".join(f"\n  {escape(a)}" for a in adopted))


def score(path: Path, console: Console) -> None:
    """Score the maps of the job at ``path`` and print the means."""
    from flows import score as scoring

    # Here, so that a mistake in the file is told before Prefect starts.
    job = scoring.load_job(path)
    with shown(console):
        folder = scoring.score(job, path.parent)
    scoring.print_means(folder, console)


def phantom(folder: Path, recipe: Path | None, console: Console) -> None:
    """Generate the phantom cohort in ``folder``."""
    from tasks.phantoms.generate import generate_cohort
    from tasks.phantoms.recipe import PhantomRecipe

    data = yaml.safe_load(recipe.read_text(encoding="utf-8")) if recipe else {}
    try:
        wanted = PhantomRecipe.model_validate(data or {})
    except ValidationError as error:
        raise ConfigError(
            "\n".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        ) from None
    with shown(console), part_bar("phantom slides") as advance:
        manifest = generate_cohort(folder, wanted, advance)
    console.print(f"wrote {manifest}")


def plugins(console: Console) -> None:
    """Print every plug-in of every family."""
    from tasks.plugins import available, plugin_class

    for family in ("regularizers", "explainers", "exemplars", "faithfulness", "model_metrics"):
        table = Table(f"{family}", "", box=None, pad_edge=False, show_header=True)
        for name in available(f"tasks.{family}"):
            doc = plugin_class(f"tasks.{family}", name).__doc__ or ""
            table.add_row(f"  {name}", escape(doc.strip().partition("\n")[0]))
        console.print(table)


def schedule(path: Path, target: Target, clock: Clock, console: Console) -> None:
    """Register the study's schedule with the Prefect server."""
    from flows.schedule import schedule_study

    if (clock.cron is None) == (clock.every is None):
        raise UsageError("give either --cron or --every")
    every = timedelta(seconds=clock.every) if clock.every else None
    name = schedule_study(_session(path, target), clock.cron, every, clock.timezone)
    console.print(
        f"scheduled {name}; the worker of 'veritile ui' runs it, or: prefect worker start --pool veritile"
    )


def _session(path: Path, target: Target) -> Session:
    return open_session(load_study(path), target.home.resolve(), target.data_root, target.orders)
