import logging

import pytest


@pytest.fixture(autouse=True)
def _no_handler_stays():
    """Each command adds one that writes to where its test collects output."""
    log = logging.getLogger("veritile")
    before, level = list(log.handlers), log.level
    yield
    log.handlers[:] = before
    log.setLevel(level)
