"""Work on many files, with progress, that ends soon when it is wanted no longer."""

import threading

import pytest

from flows.progress import Tally, _now_and_then
from flows.side_by_side import THREADS, side_by_side


def test_results_come_by_path(tmp_path):
    paths = [tmp_path / str(n) for n in range(9)]
    assert side_by_side("testing", paths, lambda path, advance: int(path.name) ** 2) == {
        path: int(path.name) ** 2 for path in paths
    }
    assert side_by_side("testing", [], lambda path, advance: 1 / 0) == {}


def test_an_error_ends_what_is_under_way_and_starts_nothing_more(tmp_path):
    begun, ready = [], threading.Event()

    def work(path, advance):
        begun.append(path.name)
        if path.name == "0":
            ready.wait(5)
            raise KeyboardInterrupt
        ready.set()
        while True:
            advance(1)

    with pytest.raises(KeyboardInterrupt):
        side_by_side("testing", [tmp_path / str(n) for n in range(50)], work)
    assert len(begun) <= 2 * THREADS + 2


def test_progress_is_items_and_gigabytes():
    said = []
    count = Tally("reading", 1200, 750_000_000_000, said.append)
    count.advance(1_500_000_000)
    count.finish()
    assert said == ["reading: 0 of 1,200, 1.5 of 750.0 GB", "reading: 1 of 1,200, 1.5 of 750.0 GB"]
    Tally("opening", 2, 0, said.append).finish()
    assert said[-1] == "opening: 1 of 2"


def test_lines_come_now_and_then(caplog):
    caplog.set_level("INFO", logger="veritile.study")
    say = _now_and_then(iter([0.0, 5.0, 21.0, 21.0, 30.0]).__next__)
    for number in range(3):
        say(f"line {number}")
    assert caplog.messages == ["line 1"]
