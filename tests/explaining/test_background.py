"""A thread that writes behind: in order, bounded, and its errors reach the caller."""

import time

import pytest

from tasks.explaining.background import WriteBehind


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
