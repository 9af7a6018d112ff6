"""The schema of a database file, made or brought up to date so that no interruption leaves half of it.

MLflow migrates in steps that SQLite cannot take back. A kill or a full disk between two of them leaves a
database that refuses every later migration. So a new file is made beside its place and moved there when it
is whole, and an old one is kept until it is up to date.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_DRAFT = ".draft"
_KEPT = ".before"
_JOURNALS = ("-journal", "-wal", "-shm")


def bring_up_to_date(database: Path) -> None:
    """Make the file, or migrate it to the schema of the installed MLflow. One process at a time may call it.

    Raises:
        OSError: the disk cannot take it; the next call begins anew.
        sqlalchemy.exc.SQLAlchemyError: as MLflow's own calls do.
    """
    draft, kept = (database.with_name(database.name + end) for end in (_DRAFT, _KEPT))
    with _left_tidy(draft):
        if not database.exists() or not database.stat().st_size:
            _initialize(draft)
            draft.replace(database)
            return
        if kept.exists():  # a migration was broken off
            _copy(kept, database)
        if not _is_behind(database):
            kept.unlink(missing_ok=True)
            return
        _copy(database, draft)
        draft.replace(kept)
    _initialize(database)
    kept.unlink()


def _initialize(database: Path) -> None:
    """Make all tables, and take every step of the migration that is left."""
    # MLflow has no public call for this. Its version is pinned, and a test runs it.
    from mlflow.store.db import utils

    with _quiet_logs():
        engine = utils.create_sqlalchemy_engine_with_retry(f"sqlite:///{database}")
        try:
            utils._safe_initialize_tables(engine)
            if utils._get_schema_version(engine) != utils._get_latest_schema_revision():
                utils._upgrade_db(engine)
        finally:
            engine.dispose()


def _is_behind(database: Path) -> bool:
    """Say whether a migration has anything to do; a file without a schema is new to it."""
    from mlflow.store.db import utils

    with closing(sqlite3.connect(database)) as connection:
        tables = {
            name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")
        }
        if "alembic_version" not in tables:
            return True
        found = connection.execute("select version_num from alembic_version").fetchone()
    return found is None or str(found[0]) != utils._get_latest_schema_revision()


def _copy(source: Path, target: Path) -> None:
    """Copy a database in one transaction, also over one that a server holds open."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@contextmanager
def _left_tidy(draft: Path) -> Iterator[None]:
    """Remove a draft before and after: what a kill left, and what a full disk broke off."""
    files = [draft, *(draft.with_name(draft.name + end) for end in _JOURNALS)]
    for path in files:
        path.unlink(missing_ok=True)
    try:
        yield
    finally:
        for path in files:
            path.unlink(missing_ok=True)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)
