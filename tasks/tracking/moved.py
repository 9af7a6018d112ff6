"""A home that moved or was copied: its MLflow database is told where its artifacts lie now.

MLflow stores the absolute address of every run's artifacts. After a move nothing would be found, and a copy
would show the files of the original.
"""

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

_log = logging.getLogger("veritile.tracking")

_ADDRESSES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""The columns of MLflow's tables that hold addresses of artifacts."""
_OF_A_HOME = re.compile(r"(file://.*/mlflow/artifacts)/[^/]+")


def point_here(database: Path, artifacts: Path) -> int:
    """Let every address below the artifacts of another home begin with ``artifacts``; return how many.

    All are changed in one transaction, or none. Addresses that a user chose elsewhere stay.

    Args:
        database: the SQLite file of MLflow, migrated.
        artifacts: the folder of artifacts of this home, absolute.
    """
    here = artifacts.as_uri()
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        if not set(_roots(connection)) - {here}:
            return 0
        with connection:
            # Others may have done it meanwhile: what is read below holds until it is written.
            connection.execute("BEGIN IMMEDIATE")
            found = sorted(set(_roots(connection)) - {here})
            changed = sum(_replace(connection, root, here) for root in found)
    _log.info(
        "the home moved: %d addresses in its MLflow database pointed to %s and now point to %s",
        changed,
        " and ".join(unquote(root.removeprefix("file://")) for root in found),
        artifacts,
    )
    return changed


def _roots(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the folder of artifacts of each home that an experiment names."""
    for (location,) in connection.execute("SELECT DISTINCT artifact_location FROM experiments"):
        matched = _OF_A_HOME.fullmatch(location or "")
        if matched:
            yield matched[1]


def _replace(connection: sqlite3.Connection, root: str, here: str) -> int:
    changed = 0
    for table, columns in _ADDRESSES.items():
        for column in columns:
            changed += connection.execute(
                # Names of MLflow's own tables; values are bound.
                f"UPDATE {table} SET {column} = :here || substr({column}, length(:root) + 1) "  # noqa: S608
                f"WHERE substr({column}, 1, length(:root) + 1) = :root || '/'",
                {"here": here, "root": root},
            ).rowcount
    return changed
