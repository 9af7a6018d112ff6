"""What a worker must have in common with the run: code, versions, the home and the slides."""

import hashlib
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tasks.artifacts.record import library_versions
from tasks.study.study import Study

_OURS = ("flows", "tasks")
_OF_THE_WIRE = ("dask", "distributed", "cloudpickle", "msgpack", "pydantic")


@cache
def source_digest() -> str:
    """Return 24 hex digits of all our source files of this installation, by name and bytes."""
    digest = hashlib.sha256()
    for package in _OURS:
        spec = find_spec(package)
        for root in sorted(spec.submodule_search_locations or ()) if spec is not None else ():
            for path in sorted(Path(root).rglob("*.py")):
                digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
                digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def versions() -> dict[str, str]:
    """Return the versions of what numbers rest on, and of what is sent."""
    return {**library_versions(), **{name: version(name) for name in _OF_THE_WIRE}}


@dataclass(frozen=True)
class Expected:
    """What the run expects of every worker.

    Attributes:
        source: the digest of our source files.
        versions: of libraries, by name.
        probe: a file that the run has written below the home.
        secret: what it holds.
        slide: the absolute path of a slide; None where the study has no slide file.
        slide_bytes: its size.
        device: ``cpu`` or ``cuda``.
    """

    source: str
    versions: Mapping[str, str]
    probe: Path
    secret: str
    slide: Path | None
    slide_bytes: int
    device: str

    @classmethod
    def of(cls, study: Study) -> "Expected":
        """Write the probe file below the home and return what is expected."""
        secret = secrets.token_hex(16)
        probe = study.home / "work" / "attempts" / f".probe.{secret[:12]}"
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_text(secret, encoding="utf-8")
        paths = [study.data_root / row.path for row in study.slides if row.has_pixels]
        slide = next((path for path in paths if path.is_file()), None)
        size = 0 if slide is None else slide.stat().st_size
        return cls(source_digest(), versions(), probe, secret, slide, size, study.device)

    def answer_path(self, worker: str) -> Path:
        """Return the file with which a worker shows that it can write below the home."""
        named = hashlib.sha256(worker.encode()).hexdigest()[:12]
        return self.probe.with_name(f"{self.probe.name}.{named}")

    def forget(self) -> None:
        """Remove the probe and the answers."""
        for path in self.probe.parent.glob(f"{self.probe.name}*"):
            path.unlink(missing_ok=True)


def unlike(expected: Expected, worker: str, threads: int, *, takes_models: bool) -> str:
    """Return what keeps this process from being a worker of the run, as a sentence; empty if nothing does."""
    who = f"worker {worker} on {socket.gethostname()}"
    mine = versions()
    for name, wanted in expected.versions.items():
        if mine.get(name) != wanted:
            return f"{who} has {name} {mine.get(name, 'absent')}, and the run has {wanted}; install the same"
    if source_digest() != expected.source:
        return f"{who} has other code of veritile than the run; install the same commit there and restart it"
    if threads != 1:
        return f"{who} has {threads} threads, and models need one each; start it with --nthreads 1"
    return _unseen(expected, who, worker) or (_deviceless(expected, who) if takes_models else "")


def _unseen(expected: Expected, who: str, worker: str) -> str:
    home = expected.probe.parents[2]
    try:
        read = expected.probe.read_text(encoding="utf-8")
    except OSError as error:
        return f"{who} does not see the home {home} ({error.strerror}); all workers must share it"
    if read != expected.secret:
        return f"{who} sees another folder at {home} than the run; it must be one that all workers share"
    try:
        expected.answer_path(worker).write_text(expected.secret, encoding="utf-8")
    except OSError as error:
        return f"{who} cannot write below the home {home}: {error.strerror}"
    slide = expected.slide
    if slide is not None and (not slide.is_file() or slide.stat().st_size != expected.slide_bytes):
        return (
            f"{who} does not see the slide {slide} as the run does; all workers need the slides at one path"
        )
    return ""


def _deviceless(expected: Expected, who: str) -> str:
    if expected.device != "cuda":
        return ""
    import torch  # heavy: a worker of a study on a CPU may need it later or never

    if torch.cuda.is_available():
        return ""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    where = "" if shown is None else f" (CUDA_VISIBLE_DEVICES={shown})"
    return f"{who} has no CUDA device{where}, which the study asks for; its Python is {sys.executable}"
