"""Whether MLflow has a run, and which runs are left by dead processes."""

from pathlib import Path

from tasks.tracking.ask import ask
from tasks.tracking.database import local_database, open_client
from tasks.tracking.errors import address_of, in_words
from tasks.tracking.mlflow_api import MlflowException
from tasks.tracking.runs import finished, sweep_all


def has_run(home: Path, tracking_uri: str | None, run_id: str) -> bool:
    """Say whether MLflow has a run that shows everything of its study, and has not deleted it.

    Raises:
        TrackingError: MLflow cannot be used.
    """
    ask(home, tracking_uri)
    with in_words(address_of(home, tracking_uri)):
        client = open_client(home, tracking_uri)
        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return run.info.lifecycle_stage == "active" and finished([run]) is not None


def close_dead_runs(home: Path, tracking_uri: str | None) -> tuple[str, ...]:
    """Set runs of dead processes of this host to KILLED, in all experiments; return their ids.

    Runs of other hosts, and of processes that live, stay. A home without a database has none.

    Raises:
        TrackingError: MLflow cannot be used.
    """
    if tracking_uri is None and not local_database(home).is_file():
        return ()
    ask(home, tracking_uri)
    with in_words(address_of(home, tracking_uri)):
        return sweep_all(open_client(home, tracking_uri))
