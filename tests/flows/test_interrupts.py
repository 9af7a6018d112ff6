"""A signal ends a command in one sentence and with its own code, wherever the command is."""

import os
import signal
import subprocess
import sys
from functools import partial

import pytest

from flows.interrupts import GRACE_S

# A command of the real command line that does nothing, in one of several ways.
COMMAND = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from flows import cli
from flows.engine.events import BuildEnded, BuildStarted, RunStarted, Stored, emit
from flows.interrupts import on_interrupt

unsaid = ["here"]

def here():
    if words := unsaid[:]:
        unsaid.clear()
        print(*words, flush=True)

def nap():
    here()  # not before: a signal that comes sooner finds nothing to tidy
    while True:
        time.sleep(0.05)

def main_thread():
    nap()

def threads():
    with ThreadPoolExecutor(2, thread_name_prefix="veritile") as pool:
        pool.submit(nap)
        pool.submit(nap)

def tidy():
    def build():
        try:
            nap()
        finally:
            print("tidied", flush=True)
    with ThreadPoolExecutor(1, thread_name_prefix="veritile") as pool:
        pool.submit(build)

def deaf():
    while True:
        try:
            nap()
        except BaseException:
            pass

def closing():
    with on_interrupt(lambda: print("closed", flush=True)):
        nap()

def waiting():
    here()
    threading.Event().wait()

def early():
    nap()

where = sys.argv.pop(1)

@cli.app.command()
def hang():
    if where != "early":
        emit(RunStarted({"tile": 3}))
        emit(BuildStarted("tile", "tile/a", 1))
        emit(BuildEnded("tile", "tile/a", 1))
        emit(Stored(None, None, made=True))
        emit(BuildStarted("tile", "tile/b", 1))
    globals()[where]()

cli.main()
"""
SENTENCE = (
    "interrupted during tile/b; 1 artifact of this run is stored; run the same command again to resume\n"
)


def hear_all(but):
    """Undo what tests inherit that were started in the background, or by nohup; switch ``but`` off."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if number in but else signal.SIG_DFL)


@pytest.fixture
def hanging():
    """Start the command and wait until it hangs."""
    started = []

    def start(where, but=()):
        words = [sys.executable, "-c", COMMAND, where, "hang"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=partial(hear_all, but),
        )
        started.append(process)
        assert process.stdout.readline() == "here\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process, *numbers):
    for number in numbers:
        process.send_signal(number)
    said, error = process.communicate(timeout=GRACE_S * 10)
    return process.returncode, said, error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_has_its_code(hanging, number):
    assert ended(hanging("main_thread"), number) == (128 + number, "", SENTENCE)


@pytest.mark.parametrize("where", ["threads", "deaf", "waiting"])
def test_nothing_holds_it_up(hanging, where):
    assert ended(hanging(where), signal.SIGTERM) == (143, "", SENTENCE)


def test_threads_that_build_leave_no_drafts(hanging):
    assert ended(hanging("tidy"), signal.SIGTERM) == (143, "tidied\n", SENTENCE)


def test_what_others_see_is_closed(hanging):
    assert ended(hanging("closing"), signal.SIGINT) == (130, "closed\n", SENTENCE)


def test_before_anything_began_there_is_nothing_to_resume(hanging):
    assert ended(hanging("early"), signal.SIGINT) == (130, "", "interrupted; run the same command again\n")


def test_a_second_signal_ends_it_at_once(hanging):
    process = hanging("deaf")
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == SENTENCE
    assert ended(process, signal.SIGINT) == (
        130, "", "ended at once by a second signal; run the same command again to resume\n",
    )  # fmt: skip


def test_a_signal_that_the_user_switched_off_stays_off(hanging):
    process = hanging("main_thread", but=(signal.SIGHUP,))
    assert ended(process, signal.SIGHUP, signal.SIGTERM) == (143, "", SENTENCE)
