"""Views that keep nothing open."""

from pathlib import Path

from tasks.artifacts.afresh import Afresh, afresh
from tasks.artifacts.tile_set import TileSet
from tests._support.tile_sets import make_tile_set


def slides(folder: Path, count: int) -> list[TileSet]:
    """Return slides of as many tiles as their number, plus one."""
    return [make_tile_set(folder / str(i), f"s{i}", "p", "test", i + 1) for i in range(count)]


def test_a_new_view_has_read_nothing(tmp_path):
    tiles = make_tile_set(tmp_path, "s", "p", "test", 5)
    table = tiles.table
    again = afresh(tiles)
    assert again == tiles
    assert again is not tiles
    assert "table" not in vars(again)
    assert again.table is not table
    assert again.table.equals(table)


def test_views_are_new_whenever_they_are_taken(tmp_path):
    views = slides(tmp_path, 12)
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    taken = [(len(view.table), view.pixels.shape) for view in Afresh(views)]
    assert taken == [(i + 1, (i + 1, 16, 16, 3)) for i in range(12)]
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before
    assert not any({"table", "pixels"} & set(vars(view)) for view in views)


def test_it_is_a_sequence(tmp_path):
    views = slides(tmp_path, 4)
    new = Afresh(views)
    assert len(new) == 4
    assert list(new) == views
    assert new[-1] == views[3]
    assert isinstance(new[1:3], Afresh)
    assert list(new[1:3]) == views[1:3]
