"""The limit of open files is raised as far as it goes; where it stays low, one sentence says so."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from flows.open_files import raise_open_files

ROOT = Path(__file__).parents[2]
CODE = """
import logging, resource, sys
soft, hard = map(int, sys.argv[1:3])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
from flows.open_files import raise_open_files
print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def limits(soft, hard):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(soft), str(hard)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout


def test_the_soft_limit_becomes_the_hard_one():
    assert limits(256, 3000) == "3000 3000 3000\n"
    assert limits(3000, 3000) == "3000 3000 3000\n"


def test_a_limit_that_stays_low_is_said():
    assert limits(256, 1024).splitlines() == [
        "this process may hold 1024 files open and cannot raise that; many slides at once may need more, so "
        "let an administrator raise the hard limit (ulimit -Hn)",
        "1024 1024 1024",
    ]


def test_a_machine_that_refuses_gets_the_next_lower_limit(monkeypatch):
    tried = []

    def refuse(_kind, pair):
        tried.append(pair[0])
        if pair[0] > 10_240:
            raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_files() == 10_240
    assert tried == [1 << 20, 10_240]


@pytest.mark.parametrize("soft", [resource.RLIM_INFINITY, 1 << 20])
def test_what_is_enough_is_left(monkeypatch, soft):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (soft, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", None)
    assert raise_open_files() == (None if soft == resource.RLIM_INFINITY else soft)
