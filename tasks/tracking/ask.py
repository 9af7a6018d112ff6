"""Ask MLflow before any work whether a recording will work, with short patience."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tasks.tracking.database import local_database, migrate
from tasks.tracking.errors import TrackingError, address_of, in_words

PATIENCE_S = 5.0
OLDEST = 3
"""The first MLflow that keeps logged models, which a recording makes."""
_SEARCH = "/api/2.0/mlflow/experiments/search"


def ask(home: Path, tracking_uri: str | None, patience_s: float = PATIENCE_S) -> None:
    """Return where MLflow answers and a study can be recorded.

    The database in ``home`` is made or migrated. A database elsewhere and a server are left as they are.

    Raises:
        TrackingError: it does not answer within ``patience_s``, refuses, or is too old or too new.
    """
    place = address_of(home, tracking_uri)
    with in_words(place):
        if tracking_uri is None:
            _ask_file(local_database(home), patience_s)
            migrate(home)
        elif tracking_uri.startswith(("http://", "https://")):
            _ask_server(tracking_uri, place, patience_s)
        else:
            _ask_database(tracking_uri, place, patience_s)


def _ask_file(database: Path, patience_s: float) -> None:
    """Raise where the file is no database, may only be read, or another process does not let it go.

    MLflow itself would try ten times over minutes.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database, timeout=patience_s)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


def _ask_server(uri: str, place: str, patience_s: float) -> None:
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    credentials = get_default_host_creds(uri)
    once = {"max_retries": 0, "timeout": patience_s, "raise_on_status": False}
    answer = http_request(credentials, _SEARCH, "GET", params={"max_results": 1}, **once)
    if answer.status_code in (401, 403):
        raise TrackingError(
            f"MLflow at {place} refuses the credentials (code {answer.status_code}); it reads them from "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        )
    if answer.status_code != 200 or "json" not in answer.headers.get("Content-Type", ""):
        raise TrackingError(
            f"what answers at {place} is no MLflow server, or one in trouble (code {answer.status_code})"
        )
    version = http_request(credentials, "/version", "GET", **once)
    found = re.match(r"(\d+)\.\d+", version.text) if version.status_code == 200 else None
    if found is not None and int(found[1]) < OLDEST:
        raise TrackingError(f"MLflow at {place} is version {version.text}; {OLDEST}.0 or later is needed")


def _ask_database(uri: str, place: str, patience_s: float) -> None:
    """Refuse a database that does not answer, or whose schema is of another MLflow."""
    import sqlalchemy
    from mlflow.store.db import utils

    limit = {"timeout": patience_s} if uri.startswith("sqlite") else {"connect_timeout": int(patience_s)}
    engine = sqlalchemy.create_engine(uri, connect_args=limit)
    try:
        with engine.connect():
            pass
        if utils._is_empty_database(engine):
            return
        found, wanted = utils._get_schema_version(engine), utils._get_latest_schema_revision()
    finally:
        engine.dispose()
    if found != wanted:
        raise TrackingError(
            f"MLflow at {place} has the schema {found or 'of no MLflow'}, and the MLflow installed here "
            f"needs {wanted}; back it up and run `mlflow db upgrade` on it, or install its own MLflow"
        )
