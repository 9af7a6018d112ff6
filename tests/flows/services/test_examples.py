"""The units and the compose file that ship say what the command understands, and systemd reads them."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from flows.cli import app

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
UNITS = sorted(EXAMPLES.glob("*.service"))
COMMANDS = typer.main.get_command(app).commands


def commands_of(unit):
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.optionxform = str
    parser.read(unit)
    return [
        parser["Service"][key].split() for key in ("ExecStartPre", "ExecStart") if key in parser["Service"]
    ]


def refuse_unknown(words):
    """Parse the words as the command line does, without running anything."""
    name, *options = words
    COMMANDS[name].make_context(name, list(options))


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_what_a_unit_starts_is_a_command_that_exists(unit):
    started = commands_of(unit)
    assert started
    for program, *words in started:
        assert Path(program).name == "veritile"
        refuse_unknown(words)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_reads_a_unit_without_complaint(unit, tmp_path):
    program = commands_of(unit)[-1][0]
    copy = tmp_path / "veritile.service"
    copy.write_text(unit.read_text().replace(program, sys.executable))
    words = [shutil.which("systemd-analyze"), "verify", str(copy)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_container_runs_the_ui_with_less_than_everything():
    service = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())["services"]["veritile"]
    refuse_unknown(service["command"])
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"]
    assert "ports" not in service, "the servers listen on loopback"
    build = service["build"]
    recipe = EXAMPLES.joinpath(build["context"]).resolve() / build["dockerfile"]
    copied = [line.split()[1:-1] for line in recipe.read_text().splitlines() if line.startswith("COPY")]
    for name in [name for names in copied for name in names]:
        assert (EXAMPLES.parents[1] / name).exists(), name
