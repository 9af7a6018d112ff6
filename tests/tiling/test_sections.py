import numpy as np

from tasks.tiling.grid import TilePositions
from tasks.tiling.sections import find_sections, section_of_tiles
from tasks.tiling.tissue import Tissue


def tissue(*boxes, shape=(60, 100)):
    mask = np.zeros(shape, dtype=bool)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return Tissue(mask, 8.0, 8.0, 64.0, 0.1)


def positions(*corners, extent=80.0):
    x, y = np.array(corners, dtype=float).T
    index = np.arange(len(corners))
    return TilePositions(index, index, x, y, extent)


def test_sections_are_numbered_as_one_reads():
    # Two rows of a microarray; the cores of a row do not start at the same height.
    found = find_sections(
        tissue((70, 2, 90, 20), (5, 5, 25, 23), (40, 0, 60, 18), (6, 32, 26, 50), (40, 30, 60, 48)), 50
    )
    assert [found[10, 15], found[10, 50], found[10, 80]] == [1, 2, 3]
    assert [found[40, 15], found[40, 50]] == [4, 5]
    assert found.max() == 5
    assert found[25, 50] == 0


def test_a_gap_smaller_than_the_rule_joins_and_a_larger_does_not():
    pieces = tissue((0, 0, 20, 20), (25, 0, 45, 20))  # five empty pixels of 8 um
    assert find_sections(pieces, 56).max() == 1
    assert find_sections(pieces, 32).max() == 2
    assert (find_sections(pieces, 56) > 0).sum() == 800


def test_a_piece_beside_a_tall_one_follows_it():
    found = find_sections(tissue((50, 0, 60, 60), (5, 40, 15, 50), (70, 5, 80, 15)), 8)
    assert [found[45, 10], found[30, 55], found[10, 75]] == [1, 2, 3]


def test_a_tile_belongs_to_the_section_that_fills_most_of_it():
    slide = tissue((0, 0, 20, 20), (26, 0, 46, 20))
    sections = find_sections(slide, 8)
    tiles = positions((0, 0), (15 * 8, 0), (21 * 8, 0), (18 * 8, 0), (60 * 8, 40 * 8), extent=80.0)
    np.testing.assert_array_equal(section_of_tiles(sections, slide, tiles), [1, 1, 2, 1, 0][:5])
