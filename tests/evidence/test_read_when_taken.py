"""Items are read when they are taken, each time anew."""

import pytest

from tasks.evidence.read_when_taken import ReadWhenTaken


def test_nothing_is_read_before_it_is_taken_and_nothing_is_kept():
    taken = []
    items = ReadWhenTaken(4, lambda place: taken.append(place) or place)
    rest = items[1:]
    assert (len(items), len(rest), taken) == (4, 3, [])
    assert [rest[0], rest[-1], items[3]] == [1, 3, 3]
    assert list(items) == [0, 1, 2, 3]
    assert taken == [1, 3, 3, 0, 1, 2, 3]
    with pytest.raises(IndexError):
        items[4]
