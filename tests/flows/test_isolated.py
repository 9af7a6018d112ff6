"""A process that dies takes one job with it, and only that."""

import os
import signal
import time

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
