"""Threads return results in order, lose no error, and queue a bounded number of writes."""

import threading
import time
from functools import partial

import pytest
import torch

from tasks.reporting.maps.thread_map import thread_map, writers


def test_results_come_in_the_order_of_the_items():
    def work(n):
        time.sleep(0.02 if n == 0 else 0)
        return n * n

    assert list(thread_map(work, range(6))) == [0, 1, 4, 9, 16, 25]


def test_an_error_of_any_item_is_raised():
    def work(n):
        return 1 // (n - 2)

    with pytest.raises(ZeroDivisionError):
        list(thread_map(work, range(5)))


def test_work_is_done_by_as_many_threads_as_pytorch_may_use(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    together = threading.Barrier(3, timeout=30)
    # Passes only if three threads work at once.
    assert len(list(thread_map(lambda n: together.wait(), range(3)))) == 3


def test_all_is_written_at_the_end(tmp_path):
    with writers() as background:
        for n in range(20):
            background.submit(partial(_write, tmp_path / f"{n}", str(n)))
    assert {path.read_text() for path in tmp_path.iterdir()} == {str(n) for n in range(20)}


def _write(path, text):
    path.write_text(text)


def test_a_failed_write_is_raised():
    def fail():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), writers() as background:
        background.submit(fail)


def test_no_more_than_a_few_writes_wait(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    handed, written, most = 0, 0, 0

    def write():
        nonlocal written
        time.sleep(0.002)
        written += 1

    with writers() as background:
        for _ in range(30):
            handed += 1
            background.submit(write)
            most = max(most, handed - written)
    assert written == 30
    # Two in work, four waiting, and the one that was just submitted.
    assert most <= 2 * 2 + 2
