"""The MLflow database: a SQLite file in the home folder, or a server."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.tracking.mlflow_api import MlflowClient

_FOLDER = "mlflow"


def local_tracking_uri(home: Path) -> str:
    """Return the URI of the database in ``home``, an absolute path."""
    return f"sqlite:///{home / _FOLDER / 'mlflow.db'}"


def artifact_root(home: Path) -> Path:
    """Return the folder in ``home`` for the artifacts of runs recorded without a server."""
    return home / _FOLDER / "artifacts"


def migrate(home: Path) -> None:
    """Create the database in ``home``, or migrate it to the schema of the installed MLflow.

    Several processes may call this at once. MLflow's migrations fail when run concurrently, so a kernel lock
    admits one process at a time. The lock is released when its holder dies.
    """
    # MLflow has no public call for this. Its version is pinned, and a test runs it.
    from mlflow.store.db import utils

    (home / _FOLDER).mkdir(parents=True, exist_ok=True)
    with _locked(home / _FOLDER / "migrate.lock"), _quiet_logs():
        engine = utils.create_sqlalchemy_engine_with_retry(local_tracking_uri(home))
        try:
            utils._safe_initialize_tables(engine)
            if utils._get_schema_version(engine) != utils._get_latest_schema_revision():
                utils._upgrade_db(engine)
        finally:
            engine.dispose()


def open_client(home: Path, tracking_uri: str | None) -> MlflowClient:
    """Return a client of the server at ``tracking_uri``, or of the migrated database in ``home``."""
    if tracking_uri is not None:
        return MlflowClient(tracking_uri=tracking_uri)
    migrate(home)
    return MlflowClient(tracking_uri=local_tracking_uri(home))


def experiment_id(client: MlflowClient, name: str, home: Path, *, local: bool) -> str:
    """Return the id of experiment ``name``, which is created or restored if needed.

    Args:
        client: where to look.
        name: name of the experiment.
        home: where artifacts are stored if ``local``. A server chooses its own location.
        local: True where the database in ``home`` is used without a server.
    """
    with _locked(home / _FOLDER / "experiment.lock"):
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            location = (artifact_root(home) / name).resolve().as_uri() if local else None
            return str(client.create_experiment(name, artifact_location=location))
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def _quiet_logs() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)
