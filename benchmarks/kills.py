"""Kill a study in every stage, in every way, and hold what it leaves against an undisturbed run.

    python -m benchmarks.kills [--kills 8] [--seed 0]

A tiny phantom study is run by the command line in a process of its own, which is hit while a chosen stage
builds: by SIGKILL of that process alone, SIGTERM or SIGINT, at a random moment. The next run resumes. After
each blow every stored artifact must be one of the undisturbed run, byte for byte; after the last one the
store must hold all of them, no draft, no run of Prefect or MLflow that seems to be under way, and no process
that the killed ones had started. The last line of the output is one JSON object.
"""

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import yaml

from tasks.artifacts.store import Store
from tests._support.studies import tiny_cohort, tiny_config

STAGES = (
    "tile", "train", "predict", "explain", "scale", "draw",
    "evaluate", "measure", "compare", "review", "record",
)  # fmt: skip
BLOWS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
"""Taken in turn: half of the blows cannot be caught."""
DRAWN_AT_RANDOM = ("Recording",)
PATIENCE_S = 900.0
LONGEST_END_S = 10.0
"""How long a run may take to end after a signal that can be caught."""

LONGEST_WAIT_S = 0.2
"""The blow falls up to so long after a build of the stage has begun."""

_WATCHED = """
import sys
from pathlib import Path
from flows.environment import prepare
told = Path(sys.argv.pop(1))
prepare(Path(sys.argv[-1]))
from flows.engine.events import BuildStarted, listening
from flows.cli import main
def listen(event):
    if isinstance(event, BuildStarted):
        with told.open("a") as file:
            file.write(event.stage + "\\n")
with listening(listen):
    main()
"""
"""The command line, with a file that names the stage of each build as it starts."""


@dataclass
class Figures:
    """What came of the blows."""

    kills: int = 0
    survived: int = 0
    by_stage: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, what: str) -> None:
        """Note what a blow did that it must not do, and say it at once."""
        self.faults.append(what)
        print(what, flush=True)


def study_file(folder: Path) -> Path:
    """Draw the slides below ``folder`` and return the file of a study that has every stage to hit."""
    folder.mkdir(parents=True, exist_ok=True)
    metrics = [{"name": "gini"}, {"name": "deletion", "steps": 4, "tiles_per_slide": 8}]
    study = tiny_config(
        tiny_cohort(folder / "cohort"),
        study="kills",
        cpu_threads=1,
        evaluate={"metrics": metrics, "model_metrics": [{"name": "gradient_scale"}]},
    )
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study.model_dump(mode="json")), encoding="utf-8")
    return path


def run(config: Path, home: Path, told: Path, *forced: str) -> "subprocess.Popen[bytes]":
    """Start the study in a session of its own; its output goes beside ``told``."""
    words = [sys.executable, "-c", _WATCHED, str(told), "run", str(config), *forced, "--home", str(home)]
    told.write_text("", encoding="utf-8")
    with told.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            words,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # What is started in the background ignores it, and so would the study.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )


def stored(home: Path) -> dict[str, str]:
    """Return the digest of every stored artifact by its label; recordings hold ids that MLflow draws."""
    store = Store(home)
    kinds = sorted(path.name for path in store.root.iterdir() if not path.name.startswith("."))
    kinds = [kind for kind in kinds if kind not in DRAWN_AT_RANDOM]
    return {record.spec.label: record.digest for kind in kinds for record in store.records(kind)}


def undisturbed(config: Path, home: Path, told: Path) -> dict[str, str]:
    """Return the digests of a run that nothing disturbs."""
    process = run(config, home, told)
    if process.wait(PATIENCE_S):
        raise RuntimeError(log_of(told))
    return stored(home)


def hit(process: "subprocess.Popen[bytes]", stage: str, told: Path, delay: float) -> bool:
    """Wait until the process builds ``stage``, and a moment; say whether it was reached."""
    deadline = time.monotonic() + PATIENCE_S
    while stage not in told.read_text(encoding="utf-8").split():
        if process.poll() is not None:
            return False
        if time.monotonic() > deadline:
            raise TimeoutError(f"{stage} was not reached")
        time.sleep(0.005)
    time.sleep(delay)
    return process.poll() is None


def strike(process: "subprocess.Popen[bytes]", blow: signal.Signals, told: Path, figures: Figures) -> None:
    """Send the signal to the process alone, and note what must not be: a slow end, a traceback, an orphan."""
    family = psutil.Process(process.pid).children(recursive=True)
    stage = told.read_text(encoding="utf-8").split()[-1]
    process.send_signal(blow)
    started = time.monotonic()
    code = process.wait(PATIENCE_S)
    took = time.monotonic() - started
    where = f"{blow.name} in {stage}"
    figures.kills += 1
    figures.by_stage[stage] += 1
    if blow != signal.SIGKILL:
        if took > LONGEST_END_S:
            figures.fault(f"{where}: it took {took:.0f} s to end")
        if code != 128 + blow:
            figures.fault(f"{where}: exit code {code}")
        if "Traceback" in log_of(told):
            figures.fault(f"{where}: a traceback")
    _, alive = psutil.wait_procs(family, timeout=LONGEST_END_S)
    for orphan in alive:
        figures.fault(f"{where}: left {' '.join(orphan.cmdline())[:120]}")
        orphan.kill()


def compare(home: Path, right: dict[str, str], where: str, figures: Figures) -> None:
    """Note stored artifacts that are not those of the undisturbed run."""
    before = len(figures.faults)
    for label, digest in stored(home).items() if (home / "store").is_dir() else ():
        if right.get(label) != digest:
            figures.fault(f"{where}: {label} differs from the undisturbed run")
    figures.survived += len(figures.faults) == before


def strays(home: Path) -> Iterator[str]:
    """Yield what a study that has ended must not leave: drafts, and runs that seem to be under way."""
    drafts = home / "store" / ".drafts"
    yield from (f"draft {path.name}" for path in (drafts.iterdir() if drafts.is_dir() else ()))
    database = home / "mlflow" / "mlflow.db"
    yield from (
        f"MLflow run {name}" for name in _rows(database, "select name from runs where status='RUNNING'")
    )
    query = "select name from flow_run where state_type in ('RUNNING', 'PENDING', 'CANCELLING')"
    yield from (f"Prefect run {name}" for name in _rows(home / "prefect" / "prefect.db", query))


def _rows(database: Path, query: str) -> list[str]:
    if not database.is_file():
        return []
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return [str(name) for (name,) in connection.execute(query)]


def measure(folder: Path, kills: int, seed: int = 0) -> Figures:
    """Hit a study in each stage ``kills`` times, and return what came of it.

    A stage that is over before it was hit often enough is made again by ``--only``.
    """
    config, told, home = study_file(folder), folder / "told.txt", folder / "home"
    right = undisturbed(config, folder / "undisturbed", told)
    figures, generator = Figures(), np.random.default_rng(seed)
    for stage in STAGES:
        forced: tuple[str, ...] = ()
        for number in range(3 * kills):
            if figures.by_stage[stage] >= kills:
                break
            process = run(config, home, told, *forced)
            if hit(process, stage, told, generator.uniform(0, LONGEST_WAIT_S)):
                blow = BLOWS[number % len(BLOWS)]
                strike(process, blow, told, figures)
                compare(home, right, f"{blow.name} in {stage}", figures)
                print(
                    f"{figures.kills} kills, {len(figures.faults)} faults: {blow.name} in {stage}", flush=True
                )
            elif process.wait(PATIENCE_S) and not forced:
                figures.fault(
                    f"the run before {stage} ended with {process.returncode}: {log_of(told)[-500:]}"
                )
            else:
                forced = ("--only", stage)
    last = run(config, home, told)
    if last.wait(PATIENCE_S) or stored(home) != right:
        figures.fault(f"the last run did not end as the undisturbed one: {log_of(told)[-500:]}")
    for stray in strays(home):
        figures.fault(f"left behind: {stray}")
    return figures


def log_of(told: Path) -> str:
    """Return what the last run wrote."""
    return told.with_suffix(".log").read_text(encoding="utf-8", errors="replace")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=8, help="in each stage")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), chosen.kills, chosen.seed)
    print(json.dumps({"kills": figures.kills, "kills_survived": figures.survived, **figures.by_stage}))


if __name__ == "__main__":
    main()
