import sqlite3
from pathlib import Path

from tasks.tracking.database import experiment_id, local_tracking_uri, open_client


def test_first_contact_by_several_at_once_migrates_once(template):
    with sqlite3.connect(template) as database:
        assert database.execute("select count(*) from alembic_version").fetchone() == (1,)


def test_the_database_lies_below_home():
    assert local_tracking_uri(Path("/some/where")) == "sqlite:////some/where/mlflow/mlflow.db"


def test_experiments_are_made_once_and_brought_back_from_the_bin(make_home, tmp_path):
    home = make_home(tmp_path / "home")
    client = open_client(home, None)
    made = experiment_id(client, "study", home, local=True)
    assert experiment_id(client, "study", home, local=True) == made
    place = client.get_experiment(made).artifact_location
    assert place == (home / "mlflow" / "artifacts" / "study").as_uri()
    client.delete_experiment(made)
    assert experiment_id(client, "study", home, local=True) == made
    assert client.get_experiment(made).lifecycle_stage == "active"
