"""An array that is to be written through a map has its space first, so that a full disk is an error."""

import errno
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.allocated import new_array

ROOT = Path(__file__).parents[2]
SOURCES = sorted(p for top in ("flows", "tasks", "veritile") for p in (ROOT / top).rglob("*.py"))


@pytest.mark.parametrize(
    ("shape", "dtype"), [((0, 8, 8, 3), "uint8"), ((5, 7), "float16"), ((3, 4, 4, 3), "uint8"), ((9,), "<f4")]
)
def test_the_file_is_that_of_numpy(tmp_path, shape, dtype):
    values = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    for name, array in (
        ("ours", new_array(tmp_path / "ours", shape, dtype)),
        ("numpys", np.lib.format.open_memmap(tmp_path / "numpys", "w+", np.dtype(dtype), shape)),
    ):
        array[:] = values
        del array
        assert np.array_equal(np.load(tmp_path / name), values)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "numpys").read_bytes()


def test_all_of_its_space_is_taken_before_a_value_is_written(tmp_path):
    array = new_array(tmp_path / "a.npy", (1 << 20,), np.uint8)
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= 1 << 20
    assert not array.any()


@pytest.mark.parametrize(
    "refused", [OSError(errno.EOPNOTSUPP, "not supported"), AttributeError("no such call")]
)
def test_a_file_system_that_cannot_allocate_gets_zeros(tmp_path, monkeypatch, refused):
    def refuse(*_):
        raise refused

    monkeypatch.setattr("os.posix_fallocate", refuse)
    array = new_array(tmp_path / "a.npy", (3 << 20,), np.uint8)
    assert not array.any()
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= 3 << 20
    monkeypatch.setattr("os.pwrite", lambda *_: refuse_full())
    with pytest.raises(OSError, match="No space left") as told:
        new_array(tmp_path / "b.npy", (1 << 20,), np.uint8)
    assert told.value.errno == errno.ENOSPC
    assert not (tmp_path / "b.npy").exists()


def refuse_full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


LIMITED = f"""
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}))
from tasks.artifacts.allocated import new_array
try:
    new_array(Path(sys.argv[1]), (100_000,), "uint8")[:] = 1
except OSError as error:
    sys.exit(error.errno)
"""


def test_a_file_that_may_not_be_so_large_is_an_error_and_no_signal(tmp_path):
    ended = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path / "a.npy")], cwd=ROOT, check=False)
    assert ended.returncode == errno.EFBIG
    assert not (tmp_path / "a.npy").exists()


def test_no_other_code_maps_a_file_for_writing():
    mapped = re.compile(r"open_memmap\(|memmap\(|mmap_mode=\"(?!r\")|mmap\.mmap\(|PROT_WRITE|ACCESS_WRITE")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if mapped.search(path.read_text(encoding="utf-8")) is not None
    }
    assert found == {"tasks/artifacts/allocated.py"}
