"""A process is called dead only where that is certain."""

import dataclasses
import os
import subprocess
import sys

import pytest

from tasks.artifacts import process_identity
from tasks.artifacts.process_identity import ProcessIdentity, this_host, this_process

TELL = """
from tasks.artifacts.process_identity import this_process
print(this_process().text, flush=True)
input()
"""


@pytest.fixture
def other():
    """Another process that lives, and its identity."""
    words = [sys.executable, "-c", TELL]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process, ProcessIdentity.parse(process.stdout.readline().strip())
        process.kill()


def test_the_text_is_one_word_and_can_be_read_back():
    own = this_process()
    assert ProcessIdentity.parse(own.text) == own
    assert not set(own.text) & set(" /:")
    assert own.pid == os.getpid()
    assert own.host == this_host()
    odd = dataclasses.replace(own, host="a~b")
    assert ProcessIdentity.parse(odd.text) == odd


@pytest.mark.parametrize("text", ["", "host:12:34", "a~b~c~d~e", "a~b~1~2", "a~b~c~-1~2"])
def test_another_text_is_no_identity(text):
    assert ProcessIdentity.parse(text) is None


def test_a_living_process_is_not_dead_and_a_killed_one_is(other):
    process, identity = other
    assert identity.pid == process.pid
    assert not identity.is_dead()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert identity.is_dead(), "nobody has asked for its exit code yet"
    process.wait()
    assert identity.is_dead()


def test_a_pid_that_was_given_anew_is_another_process(other):
    _, identity = other
    assert dataclasses.replace(identity, started=identity.started - 1000).is_dead()


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"space": "4026532000"}])
def test_what_runs_elsewhere_is_never_called_dead(change):
    gone = dataclasses.replace(this_process(), pid=2**30)
    assert gone.is_dead()
    assert not dataclasses.replace(gone, **change).is_dead()


def test_a_restart_of_the_machine_ends_its_processes_but_not_those_of_a_namesake(monkeypatch):
    before = dataclasses.replace(this_process(), boot="earlier", space="4026531836")
    monkeypatch.setattr(process_identity, "_here", lambda: (before.host, "now", before.space))
    assert before.is_dead()
    inside = dataclasses.replace(before, space="4026532000")
    monkeypatch.setattr(process_identity, "_here", lambda: (inside.host, "now", inside.space))
    assert not inside.is_dead()
