"""What MLflow, its server or its database says, as one sentence. Every call passes through here."""

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.artifacts.redacted import without_user

_REFUSING_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
_LONGEST = 240

_SAID = (
    ("Connection refused", "nothing listens there (connection refused)"),
    ("timed out", "it gave no answer in time"),
    ("timeout expired", "it gave no answer in time"),
    ("Read timed out", "it gave no answer in time"),
    ("Name or service not known", "its name is not known"),
    ("Temporary failure in name resolution", "its name is not known"),
    ("Failed to resolve", "its name is not known"),
    ("nodename nor servname", "its name is not known"),
    ("No route to host", "there is no way to it (no route to host)"),
    ("Network is unreachable", "there is no way to it (the network is unreachable)"),
    ("Can't locate revision", "its schema is of a later MLflow than the one installed here"),
    ("file is not a database", "it is not a database"),
    ("database is locked", "another process holds its lock"),
    ("No space left on device", "the disk is full"),
    ("disk is full", "the disk is full"),
    ("attempt to write a readonly database", "it may only be read"),
    ("unable to open database file", "the file cannot be opened"),
)
"""A part of what is said, and the words that stand for it."""


class TrackingError(Exception):
    """MLflow cannot be used; the message is one sentence that names the place and the cause."""


def address_of(home: Path, tracking_uri: str | None) -> str:
    """Return where MLflow is, for people: an address without user and password, or the file in ``home``."""
    if tracking_uri is None:
        return str(home / "mlflow" / "mlflow.db")
    return without_user(tracking_uri)


@contextmanager
def in_words(place: str) -> Iterator[None]:
    """Turn what MLflow, its server, its database or a full disk raises into one sentence.

    Raises:
        TrackingError: with ``place`` and the cause.
    """
    # Heavy, and asked for only where MLflow is used.
    from alembic.util import CommandError
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    from tasks.tracking.mlflow_api import MlflowException

    known = (MlflowException, RequestException, SQLAlchemyError, CommandError, sqlite3.Error)
    try:
        yield
    except known as error:
        raise TrackingError(f"MLflow at {place} cannot be used: {_cause(str(error))}") from error
    except ModuleNotFoundError as error:
        if error.name != "psycopg2":
            raise
        raise TrackingError(
            f"MLflow at {place} cannot be used: the driver of Postgres is not installed; "
            "pip install 'veritile[postgres]'"
        ) from error
    except OSError as error:
        if error.errno not in _REFUSING_DISK:
            raise
        raise TrackingError(f"MLflow at {place} cannot be used: {_cause(str(error))}") from error


def _cause(text: str) -> str:
    """Return the cause in one line, without statements, addresses of help pages and memory addresses."""
    for part, words in _SAID:
        if part in text:
            return words
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = re.sub(r"^\(\w+(\.\w+)*\) ", "", lines[0]) if lines else "it gave no reason"
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
