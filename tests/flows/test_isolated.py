"""A process that dies takes one job with it, and only that."""

import os
import signal
import subprocess
import sys
import time

import psutil

from flows.isolated import DIED, isolated


def work(job):
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "fail":
        raise ValueError("not this one")
    if job == "slow":
        time.sleep(0.3)
    return job.upper()


def test_every_job_is_answered():
    answers = {key: (result, why) for key, result, why in isolated(work, {1: "a", 2: "fail", 3: "b"}, 2)}
    assert answers == {1: ("A", ""), 2: (None, "ValueError: not this one"), 3: ("B", "")}
    assert list(isolated(work, {}, 2)) == []


def test_what_kills_its_process_is_named_and_the_others_are_answered():
    jobs = {0: "slow", 1: "die", 2: "a", 3: "b", 4: "die", 5: "c"}
    answers = {key: (result, why) for key, result, why in isolated(work, jobs, 2)}
    assert answers == {
        0: ("SLOW", ""),
        1: (None, DIED),
        2: ("A", ""),
        3: ("B", ""),
        4: (None, DIED),
        5: ("C", ""),
    }


PARENT = """
import os, sys, time
from flows.isolated import isolated

def work(job):
    with open(job, "w") as told:
        told.write(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    list(isolated(work, dict(enumerate(sys.argv[1:])), 2))
"""


def test_readers_end_with_a_parent_that_is_killed_alone(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    jobs = [tmp_path / "a", tmp_path / "b"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    words = [sys.executable, str(tmp_path / "parent.py"), *map(str, jobs)]
    with subprocess.Popen(words, env=environment) as parent:
        while not all(job.exists() and job.read_text() for job in jobs):
            assert parent.poll() is None
            time.sleep(0.1)
        readers = [psutil.Process(int(job.read_text())) for job in jobs]
        assert all(reader.is_running() for reader in readers)
        parent.kill()
    _, alive = psutil.wait_procs(readers, timeout=60)
    assert not alive
