"""A process that works for another one ends with it."""

import subprocess
import sys

import psutil

CHILD = """
import time
from tasks.artifacts.with_parent import end_with_parent
end_with_parent()
print("here", flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_ends_with_a_parent_that_is_killed_alone():
    words = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=60)
    assert not alive
