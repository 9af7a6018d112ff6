"""A home that is moved or copied shows its own artifacts, through the database as well as a server."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tasks.tracking.database import experiment_id, local_database, open_client
from tasks.tracking.runs import new_run


@pytest.fixture
def home(make_home, tmp_path):
    """A home with one run that has a text, and a registered model."""
    home = make_home(tmp_path / "first place")
    client = open_client(home, None)
    experiment = experiment_id(client, "study", home, local=True)
    with new_run(client, experiment, "one", {}) as run:
        client.log_text(run, "of the first home", "told.txt")
        model = client.create_logged_model(experiment, name="net", source_run_id=run)
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "weights").write_text("w")
    client.log_model_artifacts(model.model_id, str(tmp_path / "net"))
    client.create_registered_model("net")
    client.create_model_version("net", f"{client.get_run(run).info.artifact_uri}/net", run)
    return home


def texts(home):
    client = open_client(home, None)
    runs = client.search_runs([client.get_experiment_by_name("study").experiment_id])
    return [open_text(client, run.info.run_id) for run in runs]


def open_text(client, run_id):
    return Path(client.download_artifacts(run_id, "told.txt")).read_text()


def places_in(home, path):
    """Return the columns of the database that name ``path``."""
    found = []
    with closing(sqlite3.connect(local_database(home))) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for column in [row[1] for row in database.execute(f"PRAGMA table_info({table})")]:
                query = f"SELECT count(*) FROM {table} WHERE instr(CAST({column} AS TEXT), ?)"
                if database.execute(query, (path.as_uri(),)).fetchone()[0]:
                    found.append((table, column))
    return found


COLUMNS = [
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
]


def test_a_moved_home_finds_its_artifacts(home, tmp_path, caplog):
    assert set(places_in(home, home)) >= set(COLUMNS)
    moved = tmp_path / "other" / "place"
    moved.parent.mkdir()
    shutil.move(home, moved)
    with caplog.at_level("INFO", "veritile.tracking"):
        assert texts(moved) == ["of the first home"]
    assert "the home moved: " in caplog.text
    assert str(home) in caplog.text
    assert places_in(moved, home) == [], "nothing points to the old place"
    assert set(places_in(moved, moved)) >= set(COLUMNS)
    caplog.clear()
    assert texts(moved) == ["of the first home"]
    assert "the home moved" not in caplog.text, "said once"


def test_a_copied_home_shows_its_own_files_and_leaves_those_of_the_original(home, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    for path in home.rglob("told.txt"):
        path.write_text("changed in the first home")
    assert texts(copy) == ["of the first home"]
    assert texts(home) == ["changed in the first home"]
    shutil.rmtree(home)
    assert texts(copy) == ["of the first home"]


def test_places_that_a_user_chose_stay(home, tmp_path):
    client = open_client(home, None)
    chosen = (tmp_path / "big disk").as_uri()
    own = client.create_experiment("own", artifact_location=chosen)
    shutil.move(home, tmp_path / "moved")
    client = open_client(tmp_path / "moved", None)
    assert client.get_experiment(own).artifact_location == chosen


def test_all_is_changed_or_nothing(home, tmp_path):
    shutil.move(home, tmp_path / "moved")
    with closing(sqlite3.connect(local_database(tmp_path / "moved"))) as database:
        database.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON logged_models BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        database.commit()
    before = places_in(tmp_path / "moved", home)
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        open_client(tmp_path / "moved", None)
    assert places_in(tmp_path / "moved", home) == before
