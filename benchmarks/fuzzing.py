"""Files of strangers, by the thousand: each is accepted or refused in a sentence.

    python -m benchmarks.fuzzing [--inputs 10000] [--seed 0] [--only geojson asap]

Good files of every kind are changed at random (:mod:`benchmarks.fuzz_mutate`) and read by the code that reads
them in the product (:mod:`benchmarks.fuzz_doors`), in a process whose memory is limited. Counted are:
``tracebacks``, errors that are no sentence of ours; ``hangs``, more than ``LIMIT_S`` seconds of processor
for one file; ``memory``, more than ``MOST_BYTES`` beyond what the process had; ``crashes``, a process that
died; ``escapes``, a file that was opened outside of the folder. The last line is JSON.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz_doors import door, shares
from benchmarks.fuzz_mutate import mutated
from tasks.interchange.errors import InterchangeError
from tasks.models.errors import ModelError
from tasks.scoring.errors import ScoringError
from tasks.slides.errors import ManifestError, SlideError
from tasks.study.errors import ConfigError, UsageError

LIMIT_S = 20
"""Seconds of the processor for one file; those of the clock say more of the machine."""

_PATIENCE_S = 600
MOST_BYTES = 2 << 30
_CANARY = "canary.txt"
_LONGEST = 20_000
"""Letters of a sentence; more is a file that was printed."""

BAD = ("tracebacks", "hangs", "memory", "crashes", "escapes")


SENTENCES = (
    ManifestError, SlideError, ConfigError, UsageError, InterchangeError, ScoringError, ModelError,
)  # fmt: skip
"""The errors that are told as sentences."""


_TIMERS = (
    (signal.SIGPROF, signal.ITIMER_PROF, LIMIT_S), (signal.SIGALRM, signal.ITIMER_REAL, _PATIENCE_S),
)  # fmt: skip


class TooLongError(BaseException):
    """A file took too long; no reader catches it."""


def fuzz(inputs: int = 10_000, seed: int = 0, only: Sequence[str] = (), processes: int = 2) -> dict[str, Any]:
    """Read changed files and return the counts, with the first of each kind of finding.

    Args:
        inputs: how many files, shared out over the doors.
        seed: of all changes.
        only: names of doors; all by default.
        processes: how many read at the same time.
    """
    known = {name: share for name, share in shares().items() if not only or name in only}
    whole = sum(known.values())
    counts: Counter[str] = Counter()
    findings: dict[str, str] = {}
    with ThreadPoolExecutor(processes) as pool:
        asked = [(name, seed, max(1, round(inputs * share / whole))) for name, share in known.items()]
        for part, told in pool.map(lambda words: _at_door(*words), asked):
            counts.update(part)
            findings |= told
    bad = {kind: counts[kind] for kind in BAD}
    return {
        "fuzzed_inputs": counts["inputs"], **bad, "accepted": counts["accepted"],
        "sentences": counts["sentences"], "findings": findings,
    }  # fmt: skip


def _at_door(name: str, seed: int, wanted: int) -> tuple[Counter[str], dict[str, str]]:
    """Return the counts and findings of one door; a process that dies is followed by another."""
    counts: Counter[str] = Counter()
    findings: dict[str, str] = {}
    done = 0
    while done < wanted:
        done, part, told = _in_child(name, seed, done, wanted)
        counts.update(part)
        findings = told | findings
    return counts, findings


def _in_child(name: str, seed: int, start: int, stop: int) -> tuple[int, Mapping[str, int], dict[str, str]]:
    """Return where a process that reads inputs ``start`` to ``stop`` ended, its counts and its findings."""
    words = [sys.executable, "-m", "benchmarks.fuzzing", "--child", name, str(seed), str(start), str(stop)]
    counts: Counter[str] = Counter()
    findings: dict[str, str] = {}
    number = start
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            said = json.loads(line)
            number = said["number"]
            counts.update([said["kind"]] if said["kind"] else [])
            counts.update(["inputs"] if said["kind"] else [])
            if said["kind"] in BAD:
                findings.setdefault(f"{name}: {said['what']}", f"input {number}: {said['where']}")
    if child.returncode > 0:
        raise RuntimeError(f"the process that reads {name!r} failed at input {number}: run it with --child")
    if child.returncode:
        counts.update(["crashes", "inputs"])
        findings[f"{name}: ended with {child.returncode}"] = f"input {number}"
    return number + 1, counts, findings


def read_inputs(name: str, seed: int, start: int, stop: int, tell: Any) -> None:
    """Read the inputs of a door in this process, and tell of each: its number, its kind and what was said."""
    asked = door(name)
    others = tuple(next(iter(files.values())) for files in asked.seeds)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MOST_BYTES, resource.RLIM_INFINITY))
    opened = _watch_files()
    for number in range(start, stop):
        draw = np.random.default_rng([seed, *name.encode(), number])
        files = asked.seeds[int(draw.integers(len(asked.seeds)))]
        changed = next(iter(files))
        data = mutated(files[changed], others, draw, text=asked.text)
        tell(number, "", "", "")
        with tempfile.TemporaryDirectory() as folder:
            case = Path(folder) / "case"
            (Path(folder) / _CANARY).write_text("outside")
            for path, content in {**files, changed: data}.items():
                (case / path).parent.mkdir(parents=True, exist_ok=True)
                (case / path).write_bytes(content)
            opened.clear()
            kind, what, where = outcome_of(asked.read, case)
            if any(Path(path).name == _CANARY or path == "/etc/passwd" for path in opened):
                kind, what, where = "escapes", "a file outside was opened", str(opened)
            tell(number, kind, what, where)
            _keep(kind, name, number, case)


def outcome_of(read: Any, case: Path) -> tuple[str, str, str]:
    """Return what came of reading a folder: a kind, the error, and the innermost lines of ours."""
    try:
        with _limited():
            read(case)
    except SENTENCES as error:
        said = str(error)
        if not said.strip() or len(said) > _LONGEST or "Traceback" in said:
            return "tracebacks", f"a sentence of {len(said)} letters", said[:200]
        return "sentences", "", ""
    except MemoryError:
        return "memory", "MemoryError", _ours()
    except TooLongError:
        return "hangs", f"more than {LIMIT_S} s", _ours()
    except Exception as error:  # noqa: BLE001  # the finding that this is for
        return (
            "tracebacks",
            f"{type(error).__name__} {_ours().splitlines()[-1:]}",
            f"{error!s:.200}\n{_ours()}",
        )
    return "accepted", "", ""


@contextmanager
def _limited() -> Iterator[None]:
    for number, timer, limit in _TIMERS:
        signal.signal(number, _too_long)
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for _, timer, _ in _TIMERS:
            signal.setitimer(timer, 0)


def _too_long(_number: int, _frame: object) -> None:
    raise TooLongError


def _ours() -> str:
    """Return the lines of the traceback that are in the product."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    own = [f for f in frames if "site-packages" not in f.filename and "benchmarks" not in f.filename]
    return "\n".join(f"{'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} {f.line}" for f in own[-4:]) or "?"


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _watch_files() -> list[str]:
    opened: list[str] = []
    sys.addaudithook(lambda event, words: opened.append(str(words[0])) if event == "open" else None)
    return opened


def _keep(kind: str, name: str, number: int, case: Path) -> None:
    kept = os.environ.get("VERITILE_FUZZ_KEEP")
    if kept and kind in BAD:
        shutil.copytree(case, Path(kept) / f"{name.replace(' ', '_')}_{number}", dirs_exist_ok=True)


def _child(name: str, seed: str, start: str, stop: str) -> None:
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(number: int, kind: str, what: str, where: str) -> None:
        out.write(json.dumps({"number": number, "kind": kind, "what": what, "where": where}) + "\n")

    read_inputs(name, int(seed), int(start), int(stop), tell)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        _child(*asked.child)
        return
    found = fuzz(asked.inputs, asked.seed, asked.only, asked.processes)
    for what, where in found.pop("findings").items():
        print(f"{what}\n    {where}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
