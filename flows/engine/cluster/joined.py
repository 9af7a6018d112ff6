"""The cluster of a study: started on this machine, or reached where it is."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from distributed import Client, Security

from flows.engine.cluster.connection import Connection
from flows.engine.cluster.existing import existing
from flows.engine.cluster.local import local_cluster
from tasks.study.errors import UsageError
from tasks.study.study import Study

_CONNECT_S, _CLOSE_S = 20.0, 30.0


@contextmanager
def connected(study: Study, said: Callable[[Any], None]) -> Iterator[Connection]:
    """Give a connection to the study's cluster while the block runs; a cluster of this machine lives as long.

    Args:
        study: the study.
        said: called in a thread of the client with what workers say.

    Raises:
        UsageError: the scheduler does not answer, or a worker differs from the run.
    """
    cluster = study.config.resources.joined
    with ExitStack() as stack:
        if not logging.getLogger("veritile").isEnabledFor(logging.DEBUG):
            stack.enter_context(_silent())
        if cluster.is_local:
            address, security = stack.enter_context(local_cluster(study))
        else:
            address, security = existing(cluster)
        client = _client(address, security)
        stack.callback(client.close, timeout=_CLOSE_S)
        connection = Connection(client, study, said)
        stack.callback(connection.close)
        connection.open()
        yield connection


def _client(address: str, security: Security) -> Client:
    try:
        return Client(address, security=security, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        told = " ".join((str(error) or type(error).__name__).split())
        raise UsageError(f"no scheduler answers at {address}: {told}") from None


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's own lines to --debug: the user gets our sentences."""
    theirs = [logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado", "asyncio")]
    levels = [logger.level for logger in theirs]
    for logger in theirs:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(theirs, levels, strict=True):
            logger.setLevel(level)
