"""veritile run."""

import gc
from pathlib import Path

from rich.console import Console

from flows.commands.results import print_outcome
from flows.commands.target import Target
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status, refuse_missing
from flows.home_check import refuse_unwritable
from flows.progress import shown
from flows.run_opened import run_opened, told_at_once
from flows.showing.address import server_of
from flows.viewing.listed import ListedStudy, list_study


def run(target: Target, command: str, console: Console, *, verify: bool) -> None:
    """Run the study and print what came out, before anything waits for a server.

    Raises:
        NotRecordedError: MLflow does not have the study; all else came out and is printed.
    """
    with shown(console):
        plan, options = target.plan(), target.options
    refuse_unwritable(target.home)
    manifest = Path(plan.study.config.manifest)
    list_study(target.home, ListedStudy(plan.study.name, target.config, manifest, target.data_root))
    gc.freeze()
    gc.enable()
    if options.only is not None:
        # Told before Prefect starts.
        refuse_missing(plan_status(plan, options), options)
    with (
        shown(console),
        told_at_once(lambda outcome: print_outcome(outcome, plan.study.store, target.home, console)),
    ):
        _run(plan, target, options, command, verify=verify)


def _run(plan: Plan, target: Target, options: RerunOptions, command: str, *, verify: bool) -> None:
    if server_of(target.home) is None:
        run_opened(plan.study, options, command, verify=verify)
        return
    from flows.study import study  # imports Prefect: heavy, and nothing to a run that it does not show

    study(
        # The path, not what it holds: Prefect keeps parameters, and the file may name shared patients.
        target.config,
        target.home,
        target.data_root,
        options.only,
        options.from_stage,
        options.selection,
        command,
        verify,
    )
