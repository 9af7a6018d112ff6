"""veritile schedule."""

from rich.console import Console

from flows.commands.schedules import NO_WORKER, say
from flows.commands.target import Target
from flows.progress import shown
from flows.scheduling.clock import Clock
from flows.scheduling.deployments import Repeated, register
from flows.scheduling.failure_hook import FailureHook
from flows.scheduling.naming import FLOW
from flows.scheduling.server import has_worker, schedule_server


def schedule(target: Target, clock: Clock, hook: FailureHook, console: Console) -> None:
    """Put the study file on a schedule; everything that is wrong with it is told before a server is asked."""
    with shown(console):
        study = target.plan().study
    root = target.data_root
    repeated = Repeated(
        study.name, target.config.resolve(), study.home, clock, root.resolve() if root else None, hook
    )
    repeated.deployment()
    with schedule_server() as client:
        replaced = register(client, repeated)
        served = has_worker(client)
    say(console, f"scheduled {FLOW}/{repeated.name}: {clock.words}")
    for sentence in replaced:
        say(console, sentence)
    if hook.words:
        say(console, f"a failed run calls {hook.words}")
    if not served:
        say(console, NO_WORKER)
