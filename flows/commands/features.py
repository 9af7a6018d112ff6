"""veritile features: feature files of others become a cohort, and features of a study become such files."""

from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.markup import escape

from flows.commands.target import Target
from flows.config import load_study
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status
from flows.open_study import open_study
from tasks.artifacts.feature_set import FeatureSet
from tasks.interchange.exported import export_features
from tasks.interchange.feature_trees import FeatureTreeJob, write_feature_manifest
from tasks.slides.feature_files import Producer
from tasks.study.errors import UsageError


def producer_of(text: str) -> Producer:
    """Return the layout that ``--format`` names.

    Raises:
        UsageError: it is none.
    """
    for producer in get_args(Producer):
        if text == producer:
            named: Producer = producer
            return named
    raise UsageError(f"--format is {text!r}; allowed are {', '.join(get_args(Producer))}")


def import_features(job: FeatureTreeJob, console: Console) -> None:
    """Write a manifest that names the feature files, and print what the study needs."""
    written = write_feature_manifest(job)
    for note in written.notes:
        console.print(escape(note), soft_wrap=True)
    console.print(
        f"wrote {written.manifest} of {written.slides} slides; run its study with --data-root "
        f"{written.data_root}",
        soft_wrap=True,
    )


def export_study(target: Target, folder: Path, producer: Producer, console: Console) -> None:
    """Write one feature file per embedded slide of a study into ``folder``.

    Raises:
        UsageError: no slide of the study is embedded.
    """
    plan = Plan(open_study(load_study(target.config), target.home, target.data_root))
    store, count = plan.study.store, 0
    for status in plan_status(plan, RerunOptions()):
        record = store.find(status.spec) if status.key.stage == "embed" and status.spec is not None else None
        if record is not None:
            export_features(FeatureSet(store.path(record.reference)), folder, producer)
            count += 1
    if not count:
        raise UsageError("no slide is embedded yet; veritile run does it for a study of level slide")
    console.print(f"wrote features of {count} slides to {folder}", soft_wrap=True)
