"""The study: slides in, measured heatmaps in MLflow out."""

from pathlib import Path

import torch
from prefect import flow

from flows import stages
from flows.config import Stage, StudyConfig
from flows.outcome import Outcome, settle
from flows.problems import load_study
from flows.runner import THREADS
from flows.session import Orders, Selection, Session, open_session


@flow(name="study", task_runner=THREADS)
def study(
    config: StudyConfig | Path,
    home: Path = Path(".veritile"),
    data_root: Path | None = None,
    only: Stage | None = None,
    from_stage: Stage | None = None,
    selection: Selection | None = None,
) -> Outcome:
    """Run one study, or force one stage of it; finished parts are reused from disk.

    Args:
        config: the study, or the path of its file.
        home: where all state lies.
        data_root: where the manifest's paths start; the manifest's own folder by default.
        only: force this stage on stored inputs and leave the rest untouched.
        from_stage: force this stage and go on to the end.
        selection: which parts of the forced stage; all by default.
    """
    return start(config, home, data_root, Orders(only, from_stage, selection or Selection()))


def start(config: StudyConfig | Path, home: Path, data_root: Path | None, orders: Orders) -> Outcome:
    """Load the study if only its file was named, check it, and carry it through."""
    loaded = config if isinstance(config, StudyConfig) else load_study(config)
    return carry_through(open_session(loaded, home.resolve(), data_root, orders))


def carry_through(session: Session) -> Outcome:
    """Tile, train, explain, evaluate, compare and record."""
    torch.set_num_threads(session.config.cpu_threads)
    state = stages.tile_slides(session)
    stages.train_arms(state)
    stages.explain_slides(state)
    stages.evaluate_maps(state)
    stages.compare_arms(state)
    stages.record_study(state)
    return settle(state)
