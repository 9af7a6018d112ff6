"""What doctor says of a study file, its devices and its room."""

import pytest
import yaml

from flows.commands.target import Target
from flows.doctor.of_study import device_finding, study_findings, tracking_uri
from flows.estimate import estimate
from tests._support.studies import tiny_config


@pytest.fixture
def target(manifest, tmp_path):
    path = tmp_path / "tiny.yaml"

    def written(**changes):
        path.write_text(yaml.safe_dump(tiny_config(manifest, **changes).model_dump(mode="json")))
        return Target(path, tmp_path / "home")

    return written


def found(target):
    return {each.check: (each.level, each.told) for each in study_findings(target)}


def test_a_study_that_fits(target):
    said = found(target())
    assert {check: level for check, (level, _) in said.items()} == {
        "study": "ok", "devices": "ok", "room": "ok",
    }  # fmt: skip
    assert "tiny: 6 slides, 44 artifacts" in said["study"][1]
    assert "the study uses cpu; this machine has cpu" in said["devices"][1]


def test_a_device_that_is_not_there(target):
    level, told = found(target(device="cuda", resources={"devices": ["cuda:7"]}))["devices"]
    assert level == "fault"
    assert told.startswith("the study asks for cuda:7; device cuda:7 is not on this machine")


def test_no_room(target, monkeypatch):
    monkeypatch.setattr(estimate, "free_bytes", lambda home: 10)
    level, told = found(target())["room"]
    assert (level, "the disk of its home has 10 B free" in told) == ("fault", True)


def test_a_wrong_study_file_is_one_fault_and_the_rest_goes_on(target):
    own = target()
    own.config.write_text(own.config.read_text().replace("epochs:", "epoch:"))
    said = found(own)
    assert said["study"][0] == "fault"
    assert "did you mean 'epochs'?" in said["study"][1]
    assert said["devices"][0] == "ok"
    assert tracking_uri(own.config) is None


def test_where_it_is_recorded(target):
    assert tracking_uri(None) is None
    assert tracking_uri(target().config) is None
    assert tracking_uri(target(record={"tracking_uri": "http://a:1"}).config) == "http://a:1"
    assert device_finding(None).told.startswith("this machine has cpu")
