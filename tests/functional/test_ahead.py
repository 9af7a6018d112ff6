"""Reading ahead keeps the order, is bounded, and brings errors to their place."""

import threading

import pytest

from tasks.functional.ahead import read_ahead


@pytest.mark.parametrize("readers", [1, 2, 5])
def test_results_come_in_order_and_no_more_is_read_ahead_than_was_said(readers):
    begun, taken = [], 0

    def read(part):
        begun.append(part)
        return part * part

    for taken, value in enumerate(read_ahead(read, range(30), readers), start=1):
        assert value == (taken - 1) ** 2
        assert len(begun) <= taken + readers
    assert sorted(begun) == list(range(30))
    assert taken == 30


def test_other_threads_read():
    assert threading.get_ident() not in set(read_ahead(lambda _: threading.get_ident(), range(5)))


def test_an_error_is_raised_where_its_result_would_have_come():
    def read(part):
        if part == 3:
            raise ValueError("the fourth")
        return part

    results = read_ahead(read, range(10), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="the fourth"):
        next(results)


def test_a_caller_that_stops_leaves_no_thread():
    before = threading.active_count()
    for value in read_ahead(lambda part: part, range(100), 3):
        if value == 4:
            break
    assert threading.active_count() == before
