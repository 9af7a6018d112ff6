"""Passwords enter no study file, no record and no output."""

import pytest
import yaml

from flows.cli import _typed
from flows.commands.score import load_job
from flows.config import load_study
from flows.hidden_names import names_hidden
from tasks.study.errors import ConfigError
from tests._support.plans import plan_of
from tests._support.studies import tiny_config

SECRET = "s3cret"
ADDRESSES = (
    f"https://ann:{SECRET}@mlflow.example", f"http://{SECRET}@h:5000", f"https://h/api?access_token={SECRET}",
    f"postgresql://ann:{SECRET}@db/mlflow",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_study_file_with_a_password_is_refused_without_repeating_it(manifest, tmp_path, address):
    data = tiny_config(manifest).model_dump(mode="json")
    data["record"]["tracking_uri"] = address
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigError, match=r"record\.tracking_uri holds a password or a token") as caught:
        load_study(path)
    assert SECRET not in str(caught.value)
    assert "MLFLOW_TRACKING_PASSWORD" in str(caught.value)


def test_an_address_without_a_password_is_read(manifest, tmp_path):
    data = tiny_config(manifest).model_dump(mode="json")
    data["record"]["tracking_uri"] = "http://127.0.0.1:5000"
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(data))
    load_study(tmp_path / "tiny.yaml")


def test_a_score_job_with_a_password_is_refused(tmp_path):
    (tmp_path / "job.yaml").write_text(f"index: http://a:{SECRET}@h/i.csv\nout: o\n")
    with pytest.raises(ConfigError, match="index holds a password") as caught:
        load_job(tmp_path / "job.yaml")
    assert SECRET not in str(caught.value)


def test_the_command_that_is_recorded_holds_none(monkeypatch):
    words = ["/usr/bin/veritile", "run", "a.yaml", "--home", f"s3://key:{SECRET}@bucket/home"]
    monkeypatch.setattr("sys.argv", words)
    assert _typed() == "veritile run a.yaml --home s3://***@bucket/home"


def test_errors_of_a_build_hold_none(manifest, tmp_path):
    study = plan_of(tiny_config(manifest), tmp_path).study
    with pytest.raises(RuntimeError) as caught, names_hidden(study):
        raise RuntimeError(f"no answer from https://ann:{SECRET}@h/")
    assert str(caught.value) == "no answer from https://***@h/"
