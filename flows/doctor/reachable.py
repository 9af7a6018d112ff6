"""Servers: whether Prefect and MLflow answer, are of the versions used here, and tell the same time."""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from flows.doctor.finding import Finding
from flows.services.claim import read_claim
from flows.services.programs import POOL
from flows.showing.address import named_url
from tasks.artifacts.process_identity import ProcessIdentity
from tasks.artifacts.redacted import without_user

_PATIENCE_S = 5.0
_APART_S = 60.0


class ServerAnswer(NamedTuple):
    """What a server said: its text, or why there is none, and how far its clock is ahead in seconds."""

    text: str
    problem: str = ""
    ahead: float = 0.0


def server_findings(home: Path, tracking_uri: str | None) -> Iterator[Finding]:
    """Yield what is found of the servers.

    Args:
        home: the folder of all state.
        tracking_uri: MLflow's address where the study names one.
    """
    yield _own(home)
    yield from _prefect(named_url(home) or "")
    if tracking_uri is None:
        yield _local_mlflow(home)
    elif tracking_uri.startswith("http"):
        yield from _mlflow(tracking_uri)
    else:
        yield Finding("mlflow", "ok", f"{without_user(tracking_uri)} is asked when a study is recorded")


def _own(home: Path) -> Finding:
    claim = read_claim(home)
    if claim is None:
        return Finding("veritile ui", "ok", "none runs on this home; scheduled runs need one, or a worker")
    identity = ProcessIdentity.parse(claim.process)
    listed = ", ".join(f"{title} {address}" for title, address in claim.addresses.items())
    if identity is not None and identity.is_dead():
        return Finding(
            "veritile ui", "warning", f"one was killed ({listed}); the next one ends what it left running"
        )
    return Finding("veritile ui", "ok", f"runs since {claim.since}: {listed}")


def _prefect(url: str) -> Iterator[Finding]:
    if not url:
        yield Finding(
            "prefect",
            "ok",
            "PREFECT_API_URL names no server: runs are shown in Prefect while veritile ui of this home is up",
        )
        return
    shown = without_user(url)
    health = _get(f"{url.rstrip('/')}/health")
    if health.problem:
        yield Finding(
            "prefect",
            "fault",
            f"no server answers at {shown} ({health.problem}); start one with veritile ui, or unset "
            "PREFECT_API_URL",
        )
        return
    yield from _apart("prefect", shown, health)
    found, own = _get(f"{url.rstrip('/')}/admin/version").text.strip('" \n'), version("prefect")
    if found and found != own:
        yield Finding(
            "prefect", "warning", f"{shown} is version {found} and {own} is installed here; use one"
        )
    else:
        yield Finding("prefect", "ok", f"{shown} answers, version {found or 'unknown'}")
    yield _worker(url)


def _worker(url: str) -> Finding:
    answer = _get(f"{url.rstrip('/')}/work_pools/{POOL}/workers/filter", b"{}")
    try:
        workers = [] if answer.problem else json.loads(answer.text)
    except ValueError:
        workers = []
    online = [str(each.get("name")) for each in workers if each.get("status") == "ONLINE"]
    if online:
        return Finding("worker", "ok", f"{', '.join(online)} takes scheduled runs of pool {POOL}")
    return Finding(
        "worker", "warning", f"no worker serves pool {POOL}: scheduled runs wait; start veritile ui"
    )


def _mlflow(uri: str) -> Iterator[Finding]:
    shown = without_user(uri)
    health = _get(f"{uri.rstrip('/')}/health")
    if health.problem:
        yield Finding(
            "mlflow",
            "fault",
            f"no server answers at {shown} ({health.problem}), where record.tracking_uri points",
        )
        return
    yield from _apart("mlflow", shown, health)
    found, own = _get(f"{uri.rstrip('/')}/version").text.strip(), version("mlflow")
    if found.partition(".")[0] != own.partition(".")[0]:
        yield Finding("mlflow", "fault", f"{shown} is version {found or 'unknown'}, needed is {own}")
    else:
        yield Finding("mlflow", "ok", f"{shown} answers, version {found}")


def _local_mlflow(home: Path) -> Finding:
    from tasks.tracking.database_check import check_database

    found = check_database(home.resolve())
    match found.schema:
        case "absent":
            return Finding("mlflow", "ok", "no database yet; the first recording makes it")
        case "unreadable":
            return Finding("mlflow", "fault", f"{found.path} is no MLflow database; move it away")
        case "later":
            return Finding(
                "mlflow",
                "fault",
                f"{found.path} is of a later MLflow than the one installed; install that one",
            )
    if found.elsewhere:
        return Finding(
            "mlflow",
            "warning",
            f"{found.elsewhere} experiments keep their files below another home, as after a move or a copy: "
            "pictures are missing, or those of the other home are shown",
        )
    if found.schema == "older":
        return Finding(
            "mlflow", "ok", "the database is of an earlier MLflow; the next use migrates it for good"
        )
    return Finding("mlflow", "ok", f"{found.path} has the schema of the MLflow installed")


def _apart(name: str, shown: str, answer: ServerAnswer) -> Iterator[Finding]:
    if abs(answer.ahead) > _APART_S:
        yield Finding(
            "clock",
            "warning",
            f"the clock of {name} at {shown} differs by {answer.ahead:+,.0f} s; set both by a time server",
        )


def _credentials(url: str) -> dict[str, str]:
    """Return the header for a user and a password in an address, which urllib itself takes for a host."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is None:
        return {}
    told = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(told.encode()).decode()}"}


def _get(url: str, body: bytes | None = None) -> ServerAnswer:
    if not url.startswith(("http://", "https://")):
        return ServerAnswer("", "it is no http address")
    headers = {"Content-Type": "application/json", **_credentials(url)}
    request = urllib.request.Request(without_user(url), body, headers)  # noqa: S310  # checked above
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310
            date = answer.headers.get("Date")
            ahead = parsedate_to_datetime(date).timestamp() - time.time() if date else 0.0
            return ServerAnswer(answer.read().decode("utf-8", errors="replace"), "", ahead)
    except urllib.error.HTTPError as error:
        return ServerAnswer("", f"code {error.code}")
    except (urllib.error.URLError, OSError, ValueError) as error:
        return ServerAnswer("", str(getattr(error, "reason", error)))
