"""A log file per run: what was said, what was built, how it ended, and never a reason to fail."""

import logging
import re
from pathlib import Path

import pytest

from flows.engine.events import BuildEnded, BuildStarted, emit
from flows.run_log import KEPT, RunLog

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (INFO|WARNING|ERROR) +(.*)")
say = logging.getLogger("veritile.study")


def lines_of(home):
    (path,) = (home / "logs").glob("run_*.log")
    return [LINE.fullmatch(line).groups() for line in path.read_text().splitlines()]


def test_what_is_said_and_built_is_in_the_file_with_times_and_levels(tmp_path):
    with RunLog(tmp_path, "tiny", "veritile run tiny.yaml") as log:
        assert re.fullmatch(r"run_\d{8}T\d{6}Z_tiny", log.path.stem)
        assert log.path.stat().st_mode & 0o077 == 0
        emit(BuildStarted("tile", "tile/a", 1))
        say.info("three slides")
        say.warning("one is dark")
        emit(BuildEnded("tile", "tile/a", 1))
    say.info("after the run")
    first, second, *others, last = lines_of(tmp_path)
    assert second == ("INFO", "command: veritile run tiny.yaml")
    assert first[1].startswith("study tiny on ")
    assert others[:3] == [("INFO", "tile/a begins"), ("INFO", "three slides"), ("WARNING", "one is dark")]
    assert others[3][1].startswith("tile/a ends after")
    assert last == ("INFO", "the run is done")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no slide"), "the run ended with ValueError: no slide"),
        (SystemExit(143), "the run was ended by signal 15"),
        (KeyboardInterrupt(), "the run was interrupted"),
    ],
)
def test_the_end_is_in_the_file(tmp_path, error, told):
    with pytest.raises(type(error)), RunLog(tmp_path, "tiny"):
        raise error
    assert lines_of(tmp_path)[-1] == ("ERROR", told)


def test_the_logger_is_left_as_it_was(tmp_path):
    own = logging.getLogger("veritile")
    before = own.level, list(own.handlers)
    with RunLog(tmp_path, "tiny"):
        assert own.isEnabledFor(logging.INFO)
    assert (own.level, own.handlers) == before


def test_old_ones_go_and_other_logs_stay(tmp_path):
    (tmp_path / "logs").mkdir()
    for number in range(KEPT + 5):
        (tmp_path / "logs" / f"run_20200101T0000{number:02}Z_old.log").touch()
    (tmp_path / "logs" / "worker.log").touch()
    with RunLog(tmp_path, "tiny") as log:
        kept = sorted((tmp_path / "logs").glob("run_*.log"))
    assert len(kept) == KEPT
    assert kept[-1] == log.path
    assert (tmp_path / "logs" / "worker.log").exists()


def test_two_runs_at_once_have_a_file_each(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.run_log.time.strftime", lambda *_: "20260101T000000Z")
    with RunLog(tmp_path, "tiny") as one, RunLog(tmp_path, "tiny") as other:
        assert one.path != other.path


def test_a_folder_that_takes_no_file_is_said_and_the_run_goes_on(tmp_path, caplog):
    (tmp_path / "logs").write_text("no folder")
    with caplog.at_level("WARNING"), RunLog(tmp_path, "tiny") as log:
        assert log.path is None
    assert "this run has no log file" in caplog.text


def test_a_full_disk_ends_the_file_and_not_the_run(tmp_path, caplog):
    with caplog.at_level("WARNING"), RunLog(tmp_path, "tiny") as log:
        handler = log._handler
        handler.stream.close()
        handler.stream = Path("/dev/full").open("w")  # noqa: SIM115  # the log closes it
        say.info("one line")
        say.info("another line")
    assert caplog.text.count("takes no more lines and ends here; the run goes on") == 1
