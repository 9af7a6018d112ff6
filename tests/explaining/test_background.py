"""Threads that read ahead and write behind: in order, bounded, and their errors reach the caller."""

import threading
import time
from contextlib import closing

import pytest

from tasks.explaining.background import WriteBehind, read_ahead


def test_results_come_in_order_and_no_more_than_the_depth_wait():
    started: list[int] = []
    with closing(read_ahead(lambda n: started.append(n) or n * n, range(9), depth=3)) as results:
        found = []
        for result in results:
            # This one, and three ahead of it at most.
            assert len(started) <= len(found) + 4
            found.append(result)
    assert found == [n * n for n in range(9)]
    assert started == list(range(9))


def test_reading_is_done_by_one_other_thread():
    names = set(read_ahead(lambda _: threading.current_thread().name, range(5)))
    assert len(names) == 1
    assert threading.current_thread().name not in names


def test_an_error_of_reading_is_raised_where_its_result_is_due():
    results = read_ahead(lambda n: 1 // (2 - n), range(5))
    assert next(results) == 0
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_a_loop_that_ends_early_leaves_no_thread_behind():
    before = threading.active_count()
    with closing(read_ahead(abs, range(1000))) as results:
        assert next(results) == 0
    assert threading.active_count() == before


def test_writes_are_done_in_order_and_one_at_a_time():
    done, running, most = [], [], []

    def write(n: int) -> None:
        running.append(n)
        most.append(len(running))
        time.sleep(0.001)
        running.remove(n)
        done.append(n)

    with WriteBehind() as writer:
        for n in range(6):
            writer.put(lambda n=n: write(n))
            assert len(done) >= n - 1, "one is written while the next is prepared"
    assert done == list(range(6))
    assert set(most) == {1}


def fail() -> None:
    raise OSError("no space left")


def test_an_error_of_writing_reaches_the_caller_and_nothing_is_written_after_it():
    done: list[int] = []
    writer = WriteBehind()
    writer.put(fail)
    with pytest.raises(OSError, match="no space"):
        writer.put(lambda: done.append(1))
    assert done == []


def test_an_error_of_the_last_write_is_raised_at_the_end():
    with pytest.raises(OSError, match="no space"), WriteBehind() as writer:
        writer.put(fail)


def test_what_was_put_before_an_error_of_the_loop_is_written():
    done: list[int] = []

    def loop() -> None:
        with WriteBehind() as writer:
            writer.put(lambda: done.append(1))
            raise RuntimeError("the model")

    with pytest.raises(RuntimeError, match="the model"):
        loop()
    assert done == [1]
