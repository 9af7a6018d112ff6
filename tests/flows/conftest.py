import os

import pytest

from tests._support.studies import tiny_cohort, tiny_config


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    return tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="session")
def prefect(tmp_path_factory):
    """One temporary Prefect server for all tests of a worker."""
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture
def config(manifest):
    return tiny_config(manifest)
