"""Commands that only read need no home that can be written, and change nothing in one that can."""

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from tests._support.caches import CACHES
from tests._support.mounts import read_only, small_disk
from tests._support.studies import tiny_config


@pytest.fixture
def study_file(manifest, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_config(manifest).model_dump(mode="json")))
    return path


def read(study_file, home):
    """Return what the commands that only read print, by command."""
    told = {}
    for words in (["status", str(study_file)], ["validate", str(study_file)], ["plugins"]):
        where = [] if words == ["plugins"] else ["--home", str(home)]
        ended = CliRunner().invoke(app, [*words, *where])
        assert ended.exit_code == 0, ended.output
        told[words[0]] = ended.output
    return told


def test_a_home_that_is_not_there_is_not_made_by_looking(study_file, tmp_path):
    home = tmp_path / "home"
    assert "would run" in read(study_file, home)["status"]
    assert {path.relative_to(home).as_posix() for path in home.rglob("*")} <= CACHES


def test_a_disk_that_can_only_be_read_is_enough(study_file, tmp_path):
    with small_disk(tmp_path / "disk", "64m") as disk:
        (disk / "salt").write_text("secret")
        read_only(disk)
        told = read(study_file, disk)
        assert "would run" in told["status"]
        assert [path.name for path in disk.iterdir()] == ["salt"]
