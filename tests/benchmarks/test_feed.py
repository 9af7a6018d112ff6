"""The rates of the host: every step is measured, cores follow from them, and tiles are those of the slide."""

import json

import numpy as np
import pytest
import torch

from benchmarks import feed
from benchmarks.feed import cores_for, main, phantom, tiles_of
from tasks.slides.reader import open_slide


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A phantom that is quickly written."""
    monkeypatch.setattr(feed, "SIDE", 8)


def test_a_short_run_ends_with_one_line_of_json(capsys, monkeypatch):
    monkeypatch.setattr(feed, "BATCH", 4)
    monkeypatch.setattr(feed, "KEPT_BYTES", 1 << 20)
    threads = torch.get_num_threads()
    main(["--tile-px", "32", "--seconds", "0"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(told["tiles_per_second"]) == [
        "kept, random", "kept, in order", "slide, in blocks", "slide, random", "to a buffer", "to floats",
        "augmented",
    ]  # fmt: skip
    assert all(rate > 0 for rate in told["tiles_per_second"].values())
    assert set(told["cores"]) == {"kept pixels", "slides, in blocks", "slides, random"}
    assert torch.get_num_threads() == threads


def test_cores_are_those_of_all_steps_together():
    rates = {"kept, random": 4000.0, "to a buffer": 12000.0}
    assert cores_for(rates, tuple(rates)) == pytest.approx({"2000": 0.67, "6000": 2.0})


def test_tiles_are_read_where_they_lie(tmp_path):
    with open_slide(phantom(tmp_path, 64), None) as reader:
        corners = np.array([[0, 0], [320, 64], [64, 320]])
        found = tiles_of(reader, corners, 64)
        assert found.shape == (3, 64, 64, 3)
        for tile, (x, y) in zip(found, corners, strict=True):
            assert np.array_equal(tile, reader.read(float(x), float(y), 64.0, 64))
