"""A build without Prefect: called in this thread, tried again and stopped as Prefect would."""

import time

from flows.engine.kept import Kept
from flows.engine.request import BuildRequest, fulfil
from flows.engine.stages import stage_named

RETRY_DELAY_S = 2.0


def is_worth_another_try(error: BaseException | None) -> bool:
    """Say whether the file system stumbled. What is wrong stays wrong, and a full disk stays full."""
    return isinstance(error, OSError)


def run_plainly(request: BuildRequest) -> BaseException | None:
    """Run the request in this thread, and return the error it ended with."""
    stage = stage_named(request.stage)
    for tries_left in range(stage.retries, -1, -1):
        with Kept() as kept:
            _once(request, stage.timeout_s)
        if not (tries_left and is_worth_another_try(kept.error)):
            break
        time.sleep(RETRY_DELAY_S)
    return kept.error


def _once(request: BuildRequest, seconds: float | None) -> None:
    if seconds is None:
        fulfil(request)
        return
    from prefect.utilities.timeout import timeout  # heavy: needed only by stages with a limit

    with timeout(seconds):
        fulfil(request)
