"""What a run leaves in Prefect: tags that say what was run, and a page that says what came of it."""

import logging
import re
from pathlib import Path

import httpx
from prefect import runtime
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_URL

from flows.engine.outcome import Outcome
from flows.showing.address import silence_of
from flows.showing.recorded_at import mlflow_link
from tasks.artifacts.store import Store
from tasks.reporting.review.write import PAGE

_log = logging.getLogger("veritile.schedule")
_PATIENCE_S = 3.0


def tag_run(study: str, file: str) -> None:
    """Tag the run with its study and the first digits of the digest of its file."""
    run = runtime.flow_run.id
    if not run:
        return
    tags = [*runtime.flow_run.tags, f"study:{study}", f"file:{file}"]
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(run, tags=list(dict.fromkeys(tags)))
    except (httpx.HTTPError, PrefectException, RuntimeError) as error:
        _untold("tags", error)


def publish(config: Path, home: Path, text: str) -> None:
    """Write the page of a run; a server that is away keeps no study from ending."""
    run = runtime.flow_run.id
    if not run:
        return
    url = PREFECT_API_URL.value()
    if url and (why := silence_of(url, _PATIENCE_S)):
        # Prefect would try again and again.
        _untold("page", why)
        return
    name = re.sub(r"[^a-z0-9]+", "-", (runtime.deployment.name or config.stem).lower()).strip("-")
    page = f"{text}\n\n| | |\n|---|---|\n| study file | `{config}` |\n| home | `{home}` |\n"
    try:
        create_markdown_artifact(page, key=f"outcome-{name}", description=f"The last outcome of {name}")
    except (httpx.HTTPError, PrefectException, RuntimeError) as error:
        _untold("page", error)


def summary(outcome: Outcome, home: Path) -> str:
    """Return the outcome as markdown: counts, what failed, and where to read on."""
    lines = [f"**{outcome.study}: {len(outcome.executed)} artifacts made, {outcome.reused} reused.**", ""]
    lines += [f"- slide {slide} failed: {why}" for slide, why in outcome.failed_slides.items()]
    lines += [f"- {label} was not made: {why}" for label, why in outcome.not_made.items()]
    store = Store(home)
    if outcome.comparison is not None:
        lines.append(f"- comparison: `{store.path(outcome.comparison) / 'comparison.md'}`")
    if outcome.review is not None:
        lines.append(f"- maps beside their scores: `{store.path(outcome.review) / PAGE}`")
    if outcome.recording is not None:
        link = mlflow_link(outcome.recording, store, home)
        where = "under the name of the study" if link is None else f"[the run of the study]({link})"
        lines.append(f"- recorded in MLflow: {where}")
    return "\n".join(lines)


def _untold(what: str, why: Exception | str) -> None:
    _log.warning("the %s of the run could not be written to Prefect: %s", what, str(why).partition("\n")[0])
