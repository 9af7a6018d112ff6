"""Each stage as a flow of its own: forced on stored inputs, while the rest stays untouched."""

from pathlib import Path

from prefect import flow

from flows.config import Stage, StudyConfig
from flows.outcome import Outcome
from flows.runner import THREADS
from flows.session import Orders, Selection
from flows.study import start


@flow(name="tile", task_runner=THREADS)
def tile(
    config: StudyConfig | Path,
    home: Path = Path(".veritile"),
    data_root: Path | None = None,
    selection: Selection | None = None,
) -> Outcome:
    """Cut the slides into tiles again."""
    return _alone("tile", config, home, data_root, selection)


@flow(name="train")
def train(
    config: StudyConfig | Path,
    home: Path = Path(".veritile"),
    data_root: Path | None = None,
    selection: Selection | None = None,
) -> Outcome:
    """Train the arms again on stored tiles."""
    return _alone("train", config, home, data_root, selection)


@flow(name="explain")
def explain(
    config: StudyConfig | Path,
    home: Path = Path(".veritile"),
    data_root: Path | None = None,
    selection: Selection | None = None,
) -> Outcome:
    """Explain the slides again with stored checkpoints."""
    return _alone("explain", config, home, data_root, selection)


@flow(name="evaluate")
def evaluate(
    config: StudyConfig | Path,
    home: Path = Path(".veritile"),
    data_root: Path | None = None,
    selection: Selection | None = None,
) -> Outcome:
    """Measure stored maps again."""
    return _alone("evaluate", config, home, data_root, selection)


@flow(name="compare")
def compare(
    config: StudyConfig | Path, home: Path = Path(".veritile"), data_root: Path | None = None
) -> Outcome:
    """Set the arms side by side again from stored reports."""
    return _alone("compare", config, home, data_root, None)


@flow(name="record")
def record(
    config: StudyConfig | Path, home: Path = Path(".veritile"), data_root: Path | None = None
) -> Outcome:
    """Put a finished study into MLflow again; nothing is logged twice."""
    return _alone("record", config, home, data_root, None)


def _alone(
    stage: Stage, config: StudyConfig | Path, home: Path, data_root: Path | None, selection: Selection | None
) -> Outcome:
    return start(config, home, data_root, Orders(only=stage, selection=selection or Selection()))
