"""The database of a home is looked at, and nothing in it changes."""

import dataclasses
import shutil
import sqlite3

import pytest

from tasks.artifacts.process_identity import this_process
from tasks.tracking.database import artifact_root, migrate
from tasks.tracking.database_check import check_database
from tasks.tracking.runs import PROCESS


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    migrate(home)
    return home


@pytest.fixture
def home(migrated, tmp_path):
    shutil.copytree(migrated / "mlflow", tmp_path / "mlflow")
    return tmp_path


def execute(home, *words):
    with sqlite3.connect(home / "mlflow" / "mlflow.db") as connection:
        connection.execute(*words)


def test_no_database(tmp_path):
    assert check_database(tmp_path).schema == "absent"


def test_a_new_one_is_current_and_is_left_as_it_was(home):
    before = (home / "mlflow" / "mlflow.db").read_bytes()
    found = check_database(home)
    assert (found.schema, found.elsewhere, found.stale) == ("current", 0, ())
    assert (home / "mlflow" / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize(("revision", "schema"), [("451aebb31d03", "older"), ("ffffffffffff", "later")])
def test_one_of_another_mlflow(home, revision, schema):
    execute(home, "update alembic_version set version_num = ?", (revision,))
    assert check_database(home).schema == schema


def test_a_file_that_is_no_database(home):
    (home / "mlflow" / "mlflow.db").write_text("no database")
    assert check_database(home).schema == "unreadable"


@pytest.mark.parametrize(("where", "count"), [("elsewhere", 1), ("here", 0)])
def test_a_moved_home_is_seen(home, where, count):
    root = artifact_root(home if where == "here" else home / "other").resolve().as_uri()
    execute(
        home,
        "insert into experiments (experiment_id, name, artifact_location, lifecycle_stage) "
        "values (7, 'tiny', ?, 'active')",
        (f"{root}/tiny",),
    )
    assert check_database(home).elsewhere == count


@pytest.mark.parametrize(("started", "names"), [(0, ()), (9999, ("tiny",))])
def test_a_run_of_a_dead_process_is_named(home, started, names):
    own = dataclasses.replace(this_process(), started=this_process().started + started)
    execute(
        home,
        "insert into runs (run_uuid, name, status, experiment_id, lifecycle_stage) "
        "values ('a', 'tiny', 'RUNNING', 0, 'active')",
    )
    execute(home, "insert into tags (key, value, run_uuid) values (?, ?, 'a')", (PROCESS, own.text))
    assert check_database(home).stale == names
