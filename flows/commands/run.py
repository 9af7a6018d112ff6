"""veritile run."""

from rich.console import Console

from flows.commands.results import print_outcome
from flows.commands.target import Target
from flows.engine.status import plan_status, refuse_missing
from flows.progress import shown
from flows.study import study


def run(target: Target, command: str, console: Console, *, verify: bool) -> None:
    """Run the study and print what came out."""
    with shown(console):
        plan, options = target.plan(), target.options
    if options.only is not None:
        # Told before Prefect starts.
        refuse_missing(plan_status(plan, options), options)
    with shown(console):
        outcome = study(
            plan.study.config,
            target.home,
            target.data_root,
            options.only,
            options.from_stage,
            options.selection,
            command,
            verify,
        )
    print_outcome(outcome, plan.study.store, target.home, console)
