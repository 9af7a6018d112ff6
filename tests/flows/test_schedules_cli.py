"""What is typed wrong is told at once: before the study file is read, and before a server is looked for."""

import pytest

from flows import cli
from tasks.study.errors import ConfigError, UsageError
from tests._support.ports import free_port


@pytest.fixture
def veritile(tmp_path, monkeypatch):
    """Type a command in a folder of its own, with a server named that is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")

    def type_(*words):
        cli.typer.main.get_command(cli.app)(list(words), standalone_mode=False)

    return type_


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--every", "0"), "at most once in 60 seconds"),
        (("--every", "-5"), "at most once in 60 seconds"),
        (("--every=-5",), "at most once in 60 seconds"),
        (("--cron", "61 * * * *"), "the minute '61' cannot be read"),
        (("--cron", "@daily", "--timezone", "Berlin"), "did you mean 'Europe/Berlin'"),
        ((), "either --cron or --every"),
        (("--every", "60", "--on-failure", "no_such_program"), "there is no program 'no_such_program'"),
        (("--every", "60", "--on-failure-url", "http://example.org/x"), "not on this machine"),
    ],
)
def test_a_wrong_word_is_told_before_anything_is_read(veritile, words, sentence, tmp_path):
    with pytest.raises(UsageError, match=sentence):
        veritile("schedule", "absent.yaml", *words)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_study_file_is_told_before_a_server_is_looked_for(veritile):
    with pytest.raises(ConfigError, match=r"no study file at absent\.yaml"):
        veritile("schedule", "absent.yaml", "--every", "60")


@pytest.mark.parametrize("words", [("unschedule",), ("pause",), ("resume",)])
def test_which_schedule_must_be_said(veritile, words):
    with pytest.raises(cli.typer._click.exceptions.MissingParameter):
        veritile(*words)
