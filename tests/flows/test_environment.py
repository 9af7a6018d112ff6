"""What is set before torch, Prefect and MLflow start."""

import os
import resource
import subprocess
import sys

import pytest

from flows.environment import QUICK, SETTINGS, prepare

PASSES = """
import resource, sys
from pathlib import Path
if sys.argv[1] != "plain":
    from flows.environment import prepare
    prepare(Path(sys.argv[2]))
import torch

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

layers = torch.nn.Sequential(*(torch.nn.Conv2d(8, 8, 3, padding=1) for _ in range(6)))
images = torch.rand(32, 8, 96, 96)
with torch.no_grad():
    for _ in range(8):
        layers(images)
    before = faults()
    for _ in range(40):
        layers(images)
print(faults() - before)
"""
PAGES_OF_AN_ANSWER = 32 * 8 * 96 * 96 * 4 // resource.getpagesize()


@pytest.fixture
def untouched(monkeypatch):
    """The environment as it is before Veritile, put back afterwards."""
    for name in (*SETTINGS, "PREFECT_HOME"):
        monkeypatch.setenv(name, "x")  # so that what the test sets is undone
        monkeypatch.delenv(name)


def page_faults(how, home):
    clean = {name: value for name, value in os.environ.items() if name not in QUICK}
    words = [sys.executable, "-c", PASSES, how, str(home)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=clean)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator of the GNU C library")
def test_memory_that_a_pass_frees_is_there_for_the_next_one(tmp_path):
    # Without the settings some answers of every pass get new pages; with them a hole or two is still found.
    plain = page_faults("plain", tmp_path)
    assert plain > 10 * PAGES_OF_AN_ANSWER
    assert page_faults("prepared", tmp_path) < plain / 5


def test_everything_is_set(untouched, tmp_path):
    prepare(tmp_path)
    assert {name: os.environ[name] for name in SETTINGS} == SETTINGS
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "prefect")


@pytest.mark.parametrize(
    ("name", "own"),
    [("GOMP_SPINCOUNT", "5"), ("MALLOC_TOP_PAD_", "4096"), ("MALLOC_TRIM_THRESHOLD_", "no number")],
)
def test_what_the_user_set_stays(untouched, tmp_path, monkeypatch, name, own):
    monkeypatch.setenv(name, own)
    prepare(tmp_path)
    assert os.environ[name] == own
