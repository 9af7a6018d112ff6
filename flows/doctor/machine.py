"""The machine and the home: open files, clock, a disk that takes files, slides that open."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flows.doctor.finding import Finding
from flows.estimate.costs import free_bytes, in_bytes
from flows.open_files import FEW, raise_open_files

_LITTLE = 1_000_000_000
"""Free bytes below this are said."""
_AHEAD_S = 120.0
"""A file of the home that is so far in the future shows a clock that went back."""
_BUILT = time.mktime((2026, 1, 1, 0, 0, 0, 0, 0, 0))
_SIDE = 512
_MPP = 0.5


def machine_findings(home: Path) -> Iterator[Finding]:
    """Yield what the machine and the home are like."""
    yield writable(home)
    yield free_space(home)
    yield open_files()
    yield clock(home)
    yield slides_open()


def writable(home: Path) -> Finding:
    """Say whether the home takes a file; it is made where it is absent."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home, prefix=".probe.") as probe:
            probe.write(bytes(1 << 16))
            probe.flush()
    except OSError as error:
        return Finding(
            "home", "fault", f"{home.resolve()} cannot be written: {error.strerror}; give another with --home"
        )
    return Finding("home", "ok", f"{home.resolve()} can be written")


def free_space(home: Path) -> Finding:
    """Say how much is free on the disk of the home; what a study needs is another check."""
    free = free_bytes(home)
    if free < _LITTLE:
        return Finding("disk", "warning", f"only {in_bytes(free)} are free; a study needs more, so make room")
    return Finding("disk", "ok", f"{in_bytes(free)} are free")


def open_files() -> Finding:
    """Say how many files a run may hold open."""
    most = raise_open_files()
    if most is None:
        return Finding("open files", "ok", "no limit")
    if most < FEW:
        return Finding("open files", "warning", f"at most {most}; let an administrator raise ulimit -Hn")
    return Finding("open files", "ok", f"at most {most:,}")


def clock(home: Path) -> Finding:
    """Say whether the clock is plausible, did not go back, and is kept by a time server."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    if now < _BUILT:
        return Finding("clock", "fault", f"it says {stamp}, before Veritile was made; set it")
    logs = [path for folder in ("logs", "mlflow", "store") for path in (home / folder).glob("*")]
    newest = max((path.stat().st_mtime for path in logs), default=0.0)
    if newest > now + _AHEAD_S:
        return Finding(
            "clock",
            "warning",
            f"it says {stamp}, and the home has a file that is {newest - now:,.0f} s younger: the clock went "
            "back, or that of the disk's machine is ahead. Schedules and durations are wrong until it is set",
        )
    kept = _kept_by_time_server()
    if kept is False:
        return Finding("clock", "warning", f"{stamp}; no time server keeps it, so it may drift: enable NTP")
    return Finding("clock", "ok", stamp + ("; a time server keeps it" if kept else ""))


def _kept_by_time_server() -> bool | None:
    """Return what systemd says of it; None where it says nothing."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    words = [program, "show", "--property", "NTPSynchronized", "--value"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(said.stdout.strip())


def slides_open() -> Finding:
    """Write a small slide and open it with OpenSlide, as every slide of a study is opened."""
    try:
        import numpy as np

        from tasks.phantoms.files import write_pyramid
        from tasks.slides.slide_facts import OPENED_WITH, facts_of
    except (ImportError, OSError) as error:
        return Finding("slides", "fault", f"OpenSlide cannot be loaded: {error}; install openslide-bin")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "written.tiff"
        write_pyramid(path, np.full((_SIDE, _SIDE, 3), 200, np.uint8), _MPP, 90)
        facts = facts_of(path)
    if facts.problem or (facts.width, facts.height) != (_SIDE, _SIDE):
        problem = facts.problem or f"a slide of {_SIDE} x {_SIDE} pixels reads {facts.width} x {facts.height}"
        return Finding("slides", "fault", f"OpenSlide {OPENED_WITH}: {problem}; install openslide-bin again")
    return Finding("slides", "ok", f"OpenSlide {OPENED_WITH} opens a slide that was just written")
