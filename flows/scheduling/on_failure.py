"""What Prefect calls when a run has failed: the hook of its deployment, told in words without patients."""

import csv
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import CrashedRun, FailedRun
from prefect.flows import Flow
from prefect.logging.loggers import flow_run_logger
from prefect.states import get_state_exception
from prefect.utilities.urls import url_for
from pydantic import ValidationError

from flows.scheduling.failure_hook import FailureHook
from flows.yaml_files import read_yaml
from tasks.study.errors import ConfigError

_SAYABLE = ("split", "label", "site", "mpp", "mpp_override", "mpp_override_reason", "sha256")
"""Columns of a manifest whose cells name nobody."""


def call_hook(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Call the hook that the run was started with. One that fails is told, and changes no outcome."""
    log = flow_run_logger(flow_run, flow)
    try:
        hook = FailureHook.model_validate(flow_run.parameters.get("on_failure") or {})
    except ValidationError as error:
        log.error("nothing was called on failure: %s", error.errors()[0]["msg"])
        return
    if not hook.words:
        return
    log.info("calling %s, as the run ended as %s", hook.words, state.name)
    for problem in hook.call(report_of(flow_run, state)):
        log.error("the failure could not be told everywhere: %s", problem)


def report_of(run: FlowRun, state: State[Any]) -> dict[str, str | None]:
    """Return what a hook is told: which study, how it ended, and where to look."""
    config = Path(str(run.parameters.get("config", "")))
    data = _mapping(config)
    return {
        "study": str(data.get("study", config.stem)),
        "state": state.name,
        "sentence": _sentence(state, _names(config, data)),
        "run": run.name,
        "run_id": str(run.id),
        "config": str(config),
        "home": str(run.parameters.get("home", "")),
        "url": url_for(run),
    }


def _sentence(state: State[Any], names: re.Pattern[str] | None) -> str:
    """Return why it failed. An error that nobody foresaw is not quoted, as its words may hold anything."""
    if not isinstance(get_state_exception(state), FailedRun | CrashedRun):
        return "an error that nobody foresaw; the log lines of the run show it"
    told = " ".join((state.message or "no reason is known").split())
    return names.sub("(name left out)", told) if names is not None else told


def _mapping(config: Path) -> Mapping[str, Any]:
    try:
        return read_yaml(config)
    except ConfigError:
        return {}


def _names(config: Path, data: Mapping[str, Any]) -> re.Pattern[str] | None:
    """Return what finds the patients, slides and files that a sentence may name."""
    shared = data.get("shared_patients")
    names = {str(name) for name in shared} if isinstance(shared, list) else set()
    # A manifest that cannot be read is quoted by no sentence either.
    with suppress(OSError, UnicodeDecodeError, csv.Error):
        text = (config.parent / str(data.get("manifest", ""))).read_text(encoding="utf-8-sig")
        for row in csv.DictReader(text.splitlines()):
            cells = [cell for column, cell in row.items() if column not in _SAYABLE and isinstance(cell, str)]
            names |= {name for cell in cells for name in (cell.strip(), Path(cell).name, Path(cell).stem)}
    listed = "|".join(re.escape(name) for name in sorted(names - {""}, key=len, reverse=True))
    return re.compile(rf"(?<![\w.-])(?:{listed})(?![\w-]|\.\w)") if listed else None
