"""What is called when a run fails: a command, a webhook, or both, with the outcome as JSON."""

import ipaddress
import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tasks.study.errors import UsageError

_COMMAND_S, _WEBHOOK_S = 60.0, 15.0


class FailureHook(BaseModel):
    """What is called when a run fails. An empty hook calls nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...] = Field((), description="A program and its arguments; it reads JSON, no shell.")
    url: str | None = Field(None, description="A webhook, which is sent the same JSON by POST.")
    host: str | None = Field(
        None, description="The host of the webhook, named again unless it is this machine."
    )

    @model_validator(mode="after")
    def _stays_where_it_may(self) -> Self:
        if self.url is None:
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"the webhook must be an http or https address, got {parts.scheme or self.url!r}"
            )
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                "the webhook holds a user name or password, which everyone who sees runs would read"
            )
        if not _is_loopback(parts.hostname) and parts.hostname != self.host:
            raise ValueError(
                f"the webhook is on {parts.hostname}, not on this machine; name that host with --allow-host "
                f"{parts.hostname} if it may be told"
            )
        return self

    @classmethod
    def read(cls, command: str | None, url: str | None, host: str | None) -> "FailureHook":
        """Return the hook that was typed, its program as an absolute path.

        Raises:
            UsageError: there is no such program, or the address may not be called.
        """
        if host is not None and url is None:
            raise UsageError("--allow-host is about --on-failure-url; give both")
        words = () if command is None else _words(command)
        try:
            return cls(command=words, url=url, host=host)
        except ValidationError as error:
            told = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise UsageError(f"--on-failure-url: {told}") from None

    @property
    def words(self) -> str:
        """What is called, for people; of an address its host alone, as the rest may be a secret."""
        told = [shlex.join(self.command)] if self.command else []
        return " and ".join([*told, *([f"a webhook on {urlsplit(self.url).hostname}"] if self.url else [])])

    def call(self, report: Mapping[str, str | None]) -> list[str]:
        """Call what is named, and return a sentence for each call that went wrong."""
        told = json.dumps(report)
        problems = [_run(self.command, told)] if self.command else []
        problems += [_post(self.url, told)] if self.url else []
        return [problem for problem in problems if problem]


NO_HOOK = FailureHook()


def _words(command: str) -> tuple[str, ...]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--on-failure {command!r} cannot be read: {error}") from None
    if not words:
        raise UsageError("--on-failure names no program")
    program = shutil.which(words[0])
    if program is None:
        raise UsageError(f"--on-failure: there is no program {words[0]!r} that may be run")
    return (str(Path(program).absolute()), *words[1:])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _run(command: tuple[str, ...], told: str) -> str:
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603  # what the user named, without a shell
            command,
            input=told,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the command {name} did not end within {_COMMAND_S:.0f} s and was stopped"
    except OSError as error:
        return f"the command {name} could not be run: {error.strerror}"
    if done.returncode == 0:
        return ""
    last = done.stderr.strip().rpartition("\n")[2]
    return f"the command {name} ended with code {done.returncode}" + (f": {last}" if last else "")


def _post(url: str, told: str) -> str:
    host = urlsplit(url).hostname or ""
    try:
        # This machine needs no proxy. A redirect is not followed: the host that was named is told, no other.
        with httpx.Client(timeout=_WEBHOOK_S, trust_env=not _is_loopback(host)) as client:
            answer = client.post(url, content=told, headers={"Content-Type": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the webhook on {host} could not be called: {error or type(error).__name__}"
    return "" if answer.is_success else f"the webhook on {host} answered {answer.status_code}"
