"""A launcher is watched: its end, its sentence, and it does not outlive the run."""

import sys

import psutil
import pytest

from tasks.training.errors import TrainingDataError
from tasks.training.job_file import write_failure
from tasks.training.launcher import OWNER, ProcessFailedError, run_launcher


def python(code):
    return (sys.executable, "-c", code)


def test_no_such_program(tmp_path):
    with pytest.raises(ProcessFailedError, match="there is no program 'torchruns' on this machine"):
        run_launcher(("torchruns",), tmp_path, lambda: None)


def test_it_gets_the_job_and_the_name_of_who_waits(tmp_path):
    passed = []
    words = ["-m", "tasks.training.worker", str(tmp_path / "job.json")]
    code = f"import os, sys; assert sys.argv[1:] == {words!r}; "
    run_launcher(
        python(code + f"assert os.environ[{OWNER!r}].endswith(':{psutil.Process().pid}')"),
        tmp_path,
        lambda: passed.append(1),
    )
    assert passed, "the last reports are passed on"


def test_its_last_line_is_told_where_no_process_has_a_sentence(tmp_path):
    with pytest.raises(ProcessFailedError, match=r"ended with exit code 3: no such host$"):
        run_launcher(python("print('no such host'); raise SystemExit(3)"), tmp_path, lambda: None)
    write_failure(tmp_path, 1, TrainingDataError("no tiles"))
    with pytest.raises(TrainingDataError, match=r"^no tiles$"):
        run_launcher(python("raise SystemExit(3)"), tmp_path, lambda: None)


def test_it_ends_with_the_run(tmp_path):
    class StopError(Exception):
        pass

    def stop():
        raise StopError

    before = psutil.Process().children()
    with pytest.raises(StopError):
        run_launcher(python("import time; time.sleep(600)"), tmp_path, stop)
    assert psutil.Process().children() == before
