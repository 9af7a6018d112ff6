"""A build without Prefect is tried again and stopped as one with it."""

import time
from types import SimpleNamespace

import pytest

from flows.engine import plain
from flows.engine.plain import run_plainly


@pytest.fixture
def building(monkeypatch):
    """Set what a build does at each try, and what its stage allows; returns the tries that were made."""

    def prepare(*results, retries=0, timeout_s=None):
        coming, tries = list(results), []

        def fulfil(request):
            tries.append(request)
            result = coming.pop(0)
            if callable(result):
                result = result()
            if result is not None:
                raise result

        monkeypatch.setattr(plain, "fulfil", fulfil)
        monkeypatch.setattr(
            plain, "stage_named", lambda name: SimpleNamespace(retries=retries, timeout_s=timeout_s)
        )
        monkeypatch.setattr(plain, "RETRY_DELAY_S", 0)
        return tries

    return prepare


REQUEST = SimpleNamespace(stage="tile")


def test_a_build_that_ends_well_has_no_error(building):
    tries = building(None)
    assert run_plainly(REQUEST) is None
    assert tries == [REQUEST]


def test_a_file_system_that_stumbles_is_tried_again_as_often_as_the_stage_says(building):
    tries = building(OSError("a"), OSError("b"), None, retries=2)
    assert run_plainly(REQUEST) is None
    assert len(tries) == 3
    tries = building(OSError("a"), OSError("b"), retries=1)
    assert str(run_plainly(REQUEST)) == "b"
    assert len(tries) == 2


def test_what_is_wrong_stays_wrong(building):
    tries = building(ValueError("wrong"), retries=2)
    assert str(run_plainly(REQUEST)) == "wrong"
    assert len(tries) == 1


def test_a_build_that_takes_too_long_is_stopped(building):
    building(lambda: [time.sleep(0.01) for _ in range(6000)] and None, timeout_s=0.2)
    assert isinstance(run_plainly(REQUEST), TimeoutError)


def test_what_ends_the_process_is_no_error_of_a_build(building):
    building(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_plainly(REQUEST)
