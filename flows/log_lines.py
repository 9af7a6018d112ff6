"""Veritile's own log lines reach Prefect wherever a run was started."""

import logging

from prefect.logging.handlers import APILogHandler


def send_log_lines() -> None:
    """Let lines from INFO on be sent to the Prefect server, unless the process has decided already."""
    own = logging.getLogger("veritile")
    if own.level == logging.NOTSET:
        own.setLevel(logging.INFO)
    # Prefect adds it only where its settings name our logger before it is first imported.
    if not any(isinstance(handler, APILogHandler) for handler in own.handlers):
        own.addHandler(APILogHandler())
