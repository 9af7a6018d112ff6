"""veritile status, validate and adopt: what a study consists of and where it stands."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.commands.maps_in_words import halo_in_words, sample_in_words
from flows.commands.status_rows import status_rows
from flows.commands.target import Target
from flows.engine.adopt import adopt as adopt_stored
from flows.engine.stages import all_stages, stages_of
from flows.engine.status import ArtifactStatus, plan_status, refuse_missing
from flows.open_study import refuse_unfit_network
from tasks.slides.manifest import SlideRow
from tasks.study.config import Split
from tasks.study.errors import UsageError


def status(target: Target, console: Console, *, verify: bool, every: bool) -> None:
    """Print the artifacts that are not done, with their reasons, and a count of the rest."""
    statuses = plan_status(target.plan(), target.options, full=verify)
    refuse_missing(statuses, target.options)
    table = Table("artifact", "state", "why", box=None, pad_edge=False)
    for row in status_rows(statuses, every=every):
        table.add_row(*map(escape, row))
    if table.row_count:
        console.print(table)
    _print_counts(statuses, console)


def _print_counts(statuses: Sequence[ArtifactStatus], console: Console) -> None:
    for stage in all_stages():
        counts = Counter(s.state for s in statuses if s.key.stage == stage.name)
        if counts:
            console.print(
                f"{stage.name:10}" + ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
            )
    versions = sorted({version for s in statuses for version in s.other_versions})
    if versions:
        console.print(f"made with other library versions (this reruns nothing): {', '.join(versions)}")


def validate(target: Target, console: Console) -> None:
    """Check the study file and its manifest, and print what the study consists of."""
    plan = target.plan()
    study = plan.study
    for note in refuse_unfit_network(study):
        console.print(escape(note), soft_wrap=True)
    console.print(f"{study.name}: {_slides_by_split(study.slides)}")
    for fold in study.folds:
        console.print(f"fold {fold.index}: {_slides_by_split(fold.rows(study.slides))}")
    console.print(f"halo: {halo_in_words(study)}")
    console.print(f"maps: {sample_in_words(study)}")
    counts = [(len(plan.of(stage.name)), stage.name) for stage in all_stages()]
    console.print("artifacts: " + ", ".join(f"{count} {stage}" for count, stage in counts if count))


def _slides_by_split(rows: Sequence[SlideRow]) -> str:
    splits = Counter(row.split for row in rows)
    return ", ".join(f"{splits[split]} {split} slides" for split in get_args(Split) if splits[split])


def adopt(word: str, reason: str, target: Target, console: Console) -> None:
    """Adopt the stored artifacts of a stage, of a group, or of ``all`` stages, and print which."""
    if not reason.strip():
        raise UsageError("--reason must say why the changed code gives the same numbers")
    stages = all_stages() if word == "all" else stages_of(word)
    adopted = adopt_stored(target.plan(), frozenset(stage.name for stage in stages), reason)
    console.print(
        f"adopted {len(adopted)} artifacts of {word}" + "".join(f"\n  {escape(str(a))}" for a in adopted)
    )
