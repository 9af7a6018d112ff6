import pytest
from pydantic import ValidationError

from tasks.recorded.inputs import RecordSection


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "https://mlflow.lab.example/path",
        "postgresql://user@db:5432/mlflow",
        "sqlite:////a.db",
    ],
)
def test_addresses_of_mlflow_are_accepted(uri):
    assert RecordSection(tracking_uri=uri).tracking_uri == uri
    assert RecordSection().tracking_uri is None


@pytest.mark.parametrize("uri", ["file:///a", "./mlruns", "ftp://a", "http:///", "htp://a:5000"])
def test_what_is_no_address_of_mlflow_is_refused(uri):
    with pytest.raises(ValidationError, match=r"no address of MLflow: .*begins with http, https, postgresql"):
        RecordSection(tracking_uri=uri)


@pytest.mark.parametrize("uri", ["http://user:secret@a:5000", "postgresql://user:secret@db/mlflow"])
def test_a_password_in_a_study_file_is_refused(uri):
    with pytest.raises(ValidationError, match="the address holds a password"):
        RecordSection(tracking_uri=uri)
