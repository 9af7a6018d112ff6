"""A migration that is broken off leaves no database that refuses the next one."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from mlflow.store.db import utils

from tasks.tracking.migration import bring_up_to_date


@pytest.fixture
def database(tmp_path):
    return tmp_path / "mlflow.db"


def ask(database, words):
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(words).fetchall()


def breaks_off(monkeypatch):
    """Let a migration end in the middle, as a full disk ends it: in SQLite its steps are not taken back."""

    def upgrade(engine):
        with engine.begin() as connection:
            connection.exec_driver_sql("create table _alembic_tmp_params (a)")
            connection.exec_driver_sql("drop table params")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(utils, "_upgrade_db", upgrade)


def goes_on(monkeypatch):
    def upgrade(engine):
        with engine.begin() as connection:
            connection.exec_driver_sql("create table _alembic_tmp_params (a)")
            connection.exec_driver_sql("drop table _alembic_tmp_params")
            connection.exec_driver_sql(
                f"update alembic_version set version_num = '{utils._get_latest_schema_revision()}'"
            )

    monkeypatch.setattr(utils, "_upgrade_db", upgrade)


def test_a_new_database_is_there_whole_or_not_at_all(database, monkeypatch):
    with monkeypatch.context() as patch:
        breaks_off(patch)
        patch.setattr(utils, "_get_schema_version", lambda _engine: "an older one")
        with pytest.raises(OSError, match="No space left"):
            bring_up_to_date(database)
    assert list(database.parent.iterdir()) == []
    database.touch()  # as who asks whether it may be written leaves it
    bring_up_to_date(database)
    assert ask(database, "select version_num from alembic_version") == [
        (utils._get_latest_schema_revision(),)
    ]
    assert ask(database, "select count(*) from params") == [(0,)]


def test_an_old_database_keeps_all_when_its_migration_is_broken_off(database, template, monkeypatch):
    shutil.copy(template, database)
    ask(database, "update alembic_version set version_num = 'an older one'")
    ask(database, "insert into experiments (name, lifecycle_stage) values ('kept', 'active')")
    for _ in range(2):
        breaks_off(monkeypatch)
        with pytest.raises(OSError, match="No space left"):
            bring_up_to_date(database)
    goes_on(monkeypatch)
    bring_up_to_date(database)
    assert ask(database, "select version_num from alembic_version") == [
        (utils._get_latest_schema_revision(),)
    ]
    assert ask(database, "select count(*) from params") == [(0,)]
    assert ("kept",) in ask(database, "select name from experiments")
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db"]


def test_one_that_is_up_to_date_is_left_alone(database, template, monkeypatch):
    shutil.copy(template, database)
    before = database.read_bytes()
    monkeypatch.setattr(utils, "_upgrade_db", None)
    bring_up_to_date(database)
    assert database.read_bytes() == before
