"""Small disks and disks that can only be read, where this user may mount any."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _mount(*words: str) -> bool:
    done = subprocess.run(["mount", *words], capture_output=True, check=False)
    return done.returncode == 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Give an empty disk of ``size`` in memory; skips the test where none can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        mounted = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a disk of its own cannot be mounted by this user")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def read_only(folder: Path) -> None:
    """Let a small disk be read and not written from now on."""
    assert _mount("-o", "remount,ro", str(folder))
