"""The MLflow database: a SQLite file in the home folder, or a server."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.tracking.errors import TrackingError
from tasks.tracking.migration import bring_up_to_date
from tasks.tracking.mlflow_api import MlflowClient
from tasks.tracking.moved import point_here

_FOLDER = "mlflow"


def local_database(home: Path) -> Path:
    """Return the SQLite file in ``home``."""
    return home / _FOLDER / "mlflow.db"


def local_tracking_uri(home: Path) -> str:
    """Return the URI of the database in ``home``, an absolute path."""
    return f"sqlite:///{local_database(home)}"


def artifact_root(home: Path) -> Path:
    """Return the folder in ``home`` for the artifacts of runs recorded without a server."""
    return home / _FOLDER / "artifacts"


def migrate(home: Path) -> None:
    """Create the database in ``home``, or migrate it to the schema of the installed MLflow.

    Several processes may call this at once. MLflow's migrations fail when run concurrently, so a kernel lock
    admits one process at a time. The lock is released when its holder dies. Where the home moved or is a
    copy, the addresses of artifacts are made those of this home.
    """
    (home / _FOLDER).mkdir(parents=True, exist_ok=True)
    with exclusive(home, "migrate"):
        bring_up_to_date(local_database(home))
    point_here(local_database(home), artifact_root(home).resolve())


def open_client(home: Path, tracking_uri: str | None) -> MlflowClient:
    """Return a client of the server at ``tracking_uri``, or of the migrated database in ``home``."""
    if tracking_uri is not None:
        return MlflowClient(tracking_uri=tracking_uri)
    migrate(home)
    return MlflowClient(tracking_uri=local_tracking_uri(home))


def has_server(tracking_uri: str | None) -> bool:
    """Say whether a server stands before the database, and decides where artifacts are stored."""
    return tracking_uri is not None and tracking_uri.startswith(("http://", "https://"))


def experiment_id(client: MlflowClient, name: str, home: Path, *, local: bool) -> str:
    """Return the id of experiment ``name``, which is created or restored if needed.

    Args:
        client: where to look.
        name: name of the experiment.
        home: where artifacts are stored if ``local``. A server chooses its own location.
        local: True where a database is used without a server.

    Raises:
        TrackingError: a server made the experiment, and only a server knows where its artifacts lie.
    """
    with exclusive(home, "experiment"):
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            location = (artifact_root(home) / name).resolve().as_uri() if local else None
            return str(client.create_experiment(name, artifact_location=location))
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
        if local and experiment.artifact_location.startswith("mlflow-artifacts:"):
            raise TrackingError(
                f"experiment {name!r} was made through an MLflow server, which alone stores its artifacts; "
                "give the server's address in record.tracking_uri, or another name in record.experiment"
            )
        return str(experiment.experiment_id)


@contextmanager
def exclusive(home: Path, name: str) -> Iterator[None]:
    """Admit one process at a time to what ``name`` stands for in ``home``; a dead holder holds nothing."""
    path = home / _FOLDER / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
