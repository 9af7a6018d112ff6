"""Look at the MLflow database of a home without changing it: its schema, its home, runs of dead processes."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

from tasks.artifacts.process_identity import ProcessIdentity
from tasks.tracking.database import artifact_root, local_tracking_uri
from tasks.tracking.runs import PROCESS

Schema = Literal["absent", "current", "older", "later", "unreadable"]


class DatabaseCheck(NamedTuple):
    """What was found.

    Attributes:
        path: the file.
        schema: compared with that of the installed MLflow.
        elsewhere: experiments whose artifacts lie below another home.
        stale: names of runs that are said to run although their process ended.
    """

    path: Path
    schema: Schema
    elsewhere: int = 0
    stale: tuple[str, ...] = ()


def check_database(home: Path) -> DatabaseCheck:
    """Look at the database of ``home``, an absolute path; it is opened to be read only."""
    path = Path(local_tracking_uri(home).removeprefix("sqlite:///"))
    if not path.is_file():
        return DatabaseCheck(path, "absent")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)) as connection:
            found = connection.execute("select version_num from alembic_version").fetchone()
            if found is None:
                return DatabaseCheck(path, "unreadable")
            return DatabaseCheck(
                path, _schema(str(found[0])), _elsewhere(connection, home), _stale(connection)
            )
    except sqlite3.Error:
        return DatabaseCheck(path, "unreadable")


def _schema(revision: str) -> Schema:
    import mlflow.store
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.store.__file__).parent / "db_migrations"))
    if revision == scripts.get_current_head():
        return "current"
    known = {each.revision for each in scripts.walk_revisions()}
    return "older" if revision in known else "later"


def _elsewhere(connection: sqlite3.Connection, home: Path) -> int:
    here = f"{artifact_root(home).resolve().as_uri()}/"
    rows = connection.execute("select artifact_location from experiments where lifecycle_stage = 'active'")
    places = [place for (place,) in rows if place]
    return sum("/mlflow/artifacts/" in p and p.startswith("file:") and not p.startswith(here) for p in places)


def _stale(connection: sqlite3.Connection) -> tuple[str, ...]:
    rows = connection.execute(
        "select runs.name, tags.value from runs join tags on tags.run_uuid = runs.run_uuid "
        "where runs.status = 'RUNNING' and tags.key = ? order by runs.start_time",
        (PROCESS,),
    )
    told = ((str(name), ProcessIdentity.parse(str(value))) for name, value in rows)
    return tuple(name for name, identity in told if identity is not None and identity.is_dead())
