"""Veritile's own log lines reach Prefect wherever a run was started."""

import logging

from prefect.exceptions import CancelledRun, FailedRun
from prefect.logging.handlers import APILogHandler


class _SaidByTheState(logging.Filter):
    """Drops the traceback that Prefect's engine logs of a run that its flow itself ended as Failed."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, FailedRun | CancelledRun)


def send_log_lines() -> None:
    """Let lines from INFO on be sent to the Prefect server, unless the process has decided already.

    A run that its flow ends as Failed, with a sentence, is told by that sentence alone.
    """
    own = logging.getLogger("veritile")
    if own.level == logging.NOTSET:
        own.setLevel(logging.INFO)
    # Prefect adds it only where its settings name our logger before it is first imported.
    if not any(isinstance(handler, APILogHandler) for handler in own.handlers):
        own.addHandler(APILogHandler())
    runs = logging.getLogger("prefect.flow_runs")
    if not any(isinstance(own_filter, _SaidByTheState) for own_filter in runs.filters):
        runs.addFilter(_SaidByTheState())
