"""Bytes come back as they were written, in memory and in a file."""

import gc
from pathlib import Path

import pytest

from tasks.artifacts.spill import Spill


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("most", [1, 100, 1 << 20])
def test_bytes_come_back_in_any_order(most):
    spill, pieces = Spill(most), [bytes([i]) * (i * 37 % 50) for i in range(60)]
    places = [spill.add(piece) for piece in pieces]
    for place, piece in reversed(list(zip(places, pieces, strict=True))):
        assert spill.read(place) == piece
    late = spill.add(b"late")
    assert spill.read(late) == b"late"
    assert spill.read(places[7]) == pieces[7]


def test_it_holds_one_descriptor_when_full_and_none_before_and_after():
    before = descriptors()
    spill = Spill(1000)
    spill.add(b"x" * 900)
    assert descriptors() == before
    for _ in range(50):
        spill.add(b"x" * 900)
    assert descriptors() == before + 1
    del spill
    gc.collect()
    assert descriptors() == before
