"""The study: slides in, measured heatmaps in MLflow out."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, runtime
from pydantic import Field

from flows.config import StudyConfig, load_study
from flows.engine.execute import execute
from flows.engine.outcome import Outcome, settle
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions, Selection
from flows.engine.stages import words
from flows.engine.task import run_as_task
from flows.open_files import raise_open_files
from flows.open_study import (
    open_study,
    refuse_absent_devices,
    refuse_unfit_encoder,
    refuse_unfit_network,
)
from tasks.study.study import Study

_log = logging.getLogger("veritile.study")

if TYPE_CHECKING:
    StageWord = str
else:
    from typing import Annotated

    # Prefect's form lists the words, and a run with another one is refused in a sentence.
    StageWord = Annotated[str, Field(json_schema_extra={"enum": list(words())})]


@flow(name="study")
def study(  # noqa: PLR0913  # they are the form of a deployment
    config: StudyConfig | Path,
    home: Path = Path(".veritile"),
    data_root: Path | None = None,
    only: StageWord | None = None,
    from_stage: StageWord | None = None,
    selection: Selection | None = None,
    command: str = "",
    verify: bool = False,
) -> Outcome:
    """Run one study, or force one stage of it; finished artifacts are reused from the store.

    Args:
        config: the study, or the path of its file.
        home: where all state lies.
        data_root: where the manifest's paths start; the manifest's own folder by default.
        only: make this stage again on stored inputs and leave the rest untouched.
        from_stage: make this stage again and go on to the end.
        selection: which artifacts of the forced stage; all by default.
        command: the command that was typed, for the recording.
        verify: hash every stored byte again before it is reused.
    """
    options = RerunOptions(only, from_stage, selection or Selection())
    loaded = load_study(config) if isinstance(config, Path) else config
    return run_opened(open_study(loaded, home, data_root), options, command, verify=verify)


def run_opened(opened: Study, options: RerunOptions, command: str = "", *, verify: bool = False) -> Outcome:
    """Run every stage of the study that is needed."""
    raise_open_files()  # a worker of a deployment starts here
    opened.store.backend.probe(write=True)
    refuse_absent_devices(opened)
    for note in refuse_unfit_network(opened):
        _log.warning(note)
    refuse_unfit_encoder(opened)
    return settle(execute(Plan(opened), options, run_as_task, _tags(command), full=verify))


def _tags(command: str) -> Mapping[str, str]:
    run: Any = runtime.flow_run.id
    return {"prefect.flow_run_id": str(run or ""), "command": command}
