import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests._support.prefect_api import fake_prefect
from tests._support.proxies import Proxy


@pytest.fixture
def server():
    """A small Prefect server, which this process shows its runs in."""
    with fake_prefect() as server, temporary_settings({PREFECT_API_URL: server.url}):
        yield server


@pytest.fixture
def proxy(server):
    """A way to it, which Prefect is told of as if it were the server itself."""
    way = Proxy(server.url)
    with temporary_settings({PREFECT_API_URL: way.url}):
        yield way
    way.die()
