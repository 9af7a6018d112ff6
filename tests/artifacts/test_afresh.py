"""Views that keep nothing open."""

from pathlib import Path

import numpy as np

from tasks.artifacts.afresh import Afresh, afresh
from tasks.artifacts.surrounded_tiles import SURROUNDED, SurroundedTiles
from tests._support.tile_sets import make_tile_set


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def mapped(folder: Path, count: int) -> list[SurroundedTiles]:
    """Return views of arrays that are mapped from their files, of which each holds a descriptor."""
    for number in range(count):
        (folder / str(number)).mkdir()
        np.save(folder / str(number) / SURROUNDED, np.full((2, 4, 4, 3), number, np.uint8))
    return [SurroundedTiles(folder / str(number)) for number in range(count)]


def test_a_new_view_has_read_nothing(tmp_path):
    tiles = make_tile_set(tmp_path, "s", "p", "test", 5)
    table = tiles.table
    again = afresh(tiles)
    assert again == tiles
    assert again is not tiles
    assert "table" not in vars(again)
    assert again.table is not table
    assert again.table.equals(table)


def test_views_that_are_kept_hold_a_descriptor_each_and_new_ones_hold_none(tmp_path):
    views, before = mapped(tmp_path, 40), descriptors()
    assert [int(view.pixels[0, 0, 0, 0]) for view in Afresh(views)] == list(range(40))
    assert descriptors() == before
    assert [int(view.pixels[0, 0, 0, 0]) for view in views] == list(range(40))
    assert descriptors() == before + 40


def test_it_is_a_sequence(tmp_path):
    views = mapped(tmp_path, 4)
    new = Afresh(views)
    assert len(new) == 4
    assert list(new) == views
    assert new[-1] == views[3]
    assert isinstance(new[1:3], Afresh)
    assert list(new[1:3]) == views[1:3]
