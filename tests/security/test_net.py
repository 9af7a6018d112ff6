"""An error that nobody foresaw is one sentence wherever it comes from: planted, and run as a person would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests._support.studies import tiny_config

ROOT = Path(__file__).parents[2]

PLANT = """
import sys
from flows.cli import main
import {module} as place
def planted(*words, **named):
    {body}
place.{name} = planted
sys.argv = ["veritile", *{words!r}]
main()
"""


def planted(place, body, words, cwd):
    """Run a command in which a function of ours has another body."""
    module, _, name = place.rpartition(".")
    code = PLANT.format(module=module, name=name, body=body, words=list(map(str, words)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(cwd)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )


def told(done, cwd, kind):
    """Assert one sentence and return the traceback that it names."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert line.startswith(f"error: {kind}")
    (log,) = cwd.rglob("unforeseen_*.log")
    assert oct(log.stat().st_mode & 0o777) == "0o600"
    return log.read_text(encoding="utf-8")


COMMAND = ("flows.commands.phantom.plugins", ["plugins"])
SUB_COMMAND = (
    "flows.commands.features.import_features",
    ["features", "import", "t", "--format", "trident", "--labels", "t.csv", "--out", "o"],
)


@pytest.mark.parametrize(("place", "words"), [COMMAND, SUB_COMMAND], ids=["command", "command of a group"])
def test_an_error_of_a_command_is_one_sentence_and_its_traceback_lies_in_a_file(tmp_path, place, words):
    done = planted(place, "raise ZeroDivisionError('the planted one')", words, tmp_path)
    text = told(done, tmp_path, "ZeroDivisionError: the planted one")
    assert "raise ZeroDivisionError" in text or "planted" in text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("return planted()", "RecursionError"),
        ("raise MemoryError", "MemoryError: no message"),
        ("raise ExceptionGroup('several', [KeyError('k')])", "KeyError: 'k'"),
        ("raise OSError(5, 'Input/output error', '/dev/x')", "OSError: [Errno 5] Input/output error"),
        ("raise UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad')", "UnicodeDecodeError: 'utf-8' codec"),
    ],
)
def test_errors_of_every_kind_are_sentences(tmp_path, body, kind):
    told(planted(COMMAND[0], body, COMMAND[1], tmp_path), tmp_path, kind)


def test_an_error_in_a_thread_is_a_sentence_too(tmp_path):
    body = "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()"
    done = planted(COMMAND[0], body, COMMAND[1], tmp_path)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ZeroDivisionError: division by zero")


def test_a_password_is_neither_in_the_sentence_nor_in_the_file(tmp_path):
    body = "raise RuntimeError('no answer from https://ann:s3cret@host/api')"
    done = planted(COMMAND[0], body, COMMAND[1], tmp_path)
    assert "s3cret" not in told(done, tmp_path, "RuntimeError: no answer from https://***@host/api")
    assert "s3cret" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    """As in ``veritile plugins | head -1``."""
    words = f"'{sys.executable}' -c 'from flows.cli import main; main()' plugins 2> err | head -1"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", words], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in (tmp_path / "err").read_text()


@pytest.mark.slow
def test_an_error_inside_a_run_is_one_sentence(tmp_path, manifest):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_config(manifest).model_dump(mode="json")))
    body = "raise ZeroDivisionError('the planted one')"
    done = planted(
        "flows.run_opened.refuse_absent_devices", body, ["run", path, "--home", tmp_path / "home"], tmp_path
    )
    told(done, tmp_path, "ZeroDivisionError: the planted one")
