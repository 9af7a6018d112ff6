"""The flow of deployments ends as Failed, with one sentence, where it cannot run a study."""

import pytest

from flows.study_file import study_file

pytestmark = pytest.mark.usefixtures("prefect")


def test_a_relative_path_is_refused(tmp_path):
    state = study_file("tiny.yaml", tmp_path, return_state=True)
    assert state.is_failed()
    assert state.message.startswith("tiny.yaml is a relative path, and a worker runs in a folder of its own")


def test_an_absent_file_is_the_reason(tmp_path):
    state = study_file(tmp_path / "tiny.yaml", tmp_path / "home", return_state=True)
    assert (state.name, state.message) == ("Failed", f"no study file at {tmp_path / 'tiny.yaml'}")
