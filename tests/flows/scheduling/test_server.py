"""A server that is not there is one sentence, at once."""

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.scheduling.server import schedule_server
from tasks.study.errors import UsageError
from tests._support.ports import free_port


def test_no_server_is_named():
    with (
        temporary_settings(restore_defaults={PREFECT_API_URL}),
        pytest.raises(UsageError, match="need a lasting Prefect server: start one with 'veritile ui'"),
        schedule_server(),
    ):
        pass


def test_no_server_answers():
    url = f"http://127.0.0.1:{free_port()}/api"
    with (
        temporary_settings({PREFECT_API_URL: url}),
        pytest.raises(UsageError) as refused,
        schedule_server(),
    ):
        pass
    assert str(refused.value).startswith(f"no Prefect server answers at {url} (")
    assert "\n" not in str(refused.value)
