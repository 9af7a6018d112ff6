import errno
from pathlib import Path

import pytest
import requests
import sqlalchemy.exc

from tasks.tracking.errors import TrackingError, address_of, in_words
from tasks.tracking.mlflow_api import MlflowException


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            MlflowException("API request to a failed: [Errno 111] Connection refused"),
            "nothing listens",
        ),
        (requests.ReadTimeout("HTTPConnectionPool: Read timed out. (read timeout=30)"), "no answer in time"),
        (OSError(errno.ENOSPC, "No space left on device", "a.png"), "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "mlflow.db"), "Permission denied: 'mlflow.db'"),
        (
            sqlalchemy.exc.OperationalError(
                "SELECT 1", {}, Exception('FATAL:  password authentication failed for user "u"\n')
            ),
            'FATAL:  password authentication failed for user "u"',
        ),
        (MlflowException("x" * 1000), "x" * 240 + "..."),
    ],
)
def test_what_is_raised_is_one_sentence(raised, said):
    with pytest.raises(TrackingError) as caught, in_words("http://a:5000"):
        raise raised
    sentence = str(caught.value)
    assert sentence.startswith("MLflow at http://a:5000 cannot be used: ")
    assert said in sentence
    assert "\n" not in sentence
    assert "SELECT" not in sentence


def test_what_is_not_of_mlflow_passes():
    for error in (
        KeyError("x"),
        FileNotFoundError(errno.ENOENT, "absent"),
        ModuleNotFoundError(name="other"),
    ):
        with pytest.raises(type(error)), in_words("here"):
            raise error


def test_a_driver_that_is_not_installed_is_named():
    with pytest.raises(TrackingError, match=r"veritile\[postgres\]"), in_words("here"):
        raise ModuleNotFoundError("No module named 'psycopg2'", name="psycopg2")


def test_a_place_names_no_user_and_no_password():
    assert address_of(Path("/h"), None) == "/h/mlflow/mlflow.db"
    assert address_of(Path("/h"), "postgresql://user:secret@db:5432/mlflow") == "postgresql://db:5432/mlflow"
    assert address_of(Path("/h"), "sqlite:////a/b.db") == "sqlite:////a/b.db"
    assert address_of(Path("/h"), "http://127.0.0.1:5000") == "http://127.0.0.1:5000"
