"""The Prefect server that keeps schedules: a client of it, or one sentence why there is none."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import get_current_settings

from flows.servers import POOL, ServerError
from tasks.study.errors import UsageError

_START = "start one with 'veritile ui' and set PREFECT_API_URL=http://127.0.0.1:4200/api"
_PATIENCE_S = 10.0


@contextmanager
def schedule_server() -> Iterator[SyncPrefectClient]:
    """Give a client of the server that keeps schedules.

    Raises:
        UsageError: no server is named (a temporary one keeps no schedules), or none answers there.
        ServerError: the server refused a request, or went away.
    """
    settings = get_current_settings()
    url = settings.api.url
    if not url:
        raise UsageError(f"schedules need a lasting Prefect server: {_START}")
    _refuse_silent(url, verify=not settings.api.tls_insecure_skip_verify)
    try:
        with get_client(sync_client=True) as client:
            yield client
    except PrefectHTTPStatusError as error:
        raise ServerError(
            f"the Prefect server at {url} refused the request: {error.response.text}"
        ) from error
    except httpx.TransportError as error:
        raise ServerError(
            f"the Prefect server at {url} went away: {error or type(error).__name__}"
        ) from error


def ensure_pool(client: SyncPrefectClient) -> None:
    """Make the work pool that workers of Veritile serve, unless it is there."""
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        except ObjectAlreadyExists:
            return  # another command was quicker


def has_worker(client: SyncPrefectClient) -> bool:
    """Say whether a worker serves the pool now."""
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        return False
    return any(worker.status == "ONLINE" for worker in client.read_workers_for_work_pool(POOL))


def _refuse_silent(url: str, *, verify: bool) -> None:
    """Ask once: Prefect's own client tries for a long time, and then tells it in a hundred lines."""
    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=_PATIENCE_S, verify=verify).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error).partition("\n")[0] or type(error).__name__
        raise UsageError(f"no Prefect server answers at {url} ({why}): {_START}") from error
