"""Where MLflow keeps its runs: a SQLite file below the home folder, or a server."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.tracking.mlflow_api import MlflowClient

_FOLDER = "mlflow"


def local_tracking_uri(home: Path) -> str:
    """Return the URI of the database below ``home``, an absolute path."""
    return f"sqlite:///{home / _FOLDER / 'mlflow.db'}"


def artifact_root(home: Path) -> Path:
    """Return the folder below ``home`` that holds the artifacts of runs recorded without a server."""
    return home / _FOLDER / "artifacts"


def migrate(home: Path) -> None:
    """Make the database below ``home``, or bring it to the installed MLflow's schema; safe to call at once.

    Several processes that touch a new file together fail in its migrations, so a kernel lock lets one
    through at a time; it is dropped when its holder dies.
    """
    # MLflow offers no public call for this; its version is pinned and a test runs it.
    from mlflow.store.db import utils

    (home / _FOLDER).mkdir(parents=True, exist_ok=True)
    with _locked(home / _FOLDER / "migrate.lock"), _no_chatter():
        engine = utils.create_sqlalchemy_engine_with_retry(local_tracking_uri(home))
        try:
            utils._safe_initialize_tables(engine)
            if utils._get_schema_version(engine) != utils._get_latest_schema_revision():
                utils._upgrade_db(engine)
        finally:
            engine.dispose()


def open_client(home: Path, tracking_uri: str | None) -> MlflowClient:
    """Return a client of the server at ``tracking_uri``, or of the migrated database below ``home``."""
    if tracking_uri is not None:
        return MlflowClient(tracking_uri=tracking_uri)
    migrate(home)
    return MlflowClient(tracking_uri=local_tracking_uri(home))


def experiment_id(client: MlflowClient, name: str, home: Path, *, local: bool) -> str:
    """Return the id of experiment ``name``, made or brought back from the bin if need be.

    Args:
        client: where to look.
        name: name of the experiment.
        home: below it artifacts go if ``local``; a server chooses the place itself.
        local: the database below ``home`` is used without a server.
    """
    with _locked(home / _FOLDER / "experiment.lock"):
        found = client.get_experiment_by_name(name)
        if found is None:
            place = (artifact_root(home) / name).resolve().as_uri() if local else None
            return str(client.create_experiment(name, artifact_location=place))
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def _no_chatter() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)
