import numpy as np
import pytest
from scipy import ndimage

from tasks.tiling import sections as module
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


def by_definition(slide, gap_um):
    """Sections as they are defined, in quadratic time: an independent second implementation."""
    near = ndimage.distance_transform_edt(~slide.mask) * np.sqrt(slide.pixel_um2) <= gap_um / 2
    pieces, _ = ndimage.label(near | slide.mask, np.ones((3, 3)))
    pieces = np.where(slide.mask, pieces, 0)
    spans = {n: span for n, span in enumerate(ndimage.find_objects(pieces), start=1) if span}
    waiting = sorted(spans, key=lambda n: (spans[n][0].start, spans[n][1].start))
    ordered = []
    while waiting:
        edge = spans[waiting[0]][0].stop
        row = [n for n in waiting if (spans[n][0].start + spans[n][0].stop) / 2 < edge]
        ordered += sorted(row, key=lambda n: (spans[n][1].start, spans[n][0].start))
        waiting = [n for n in waiting if n not in row]
    numbers = np.zeros(pieces.max() + 1, dtype=np.int32)
    numbers[ordered] = np.arange(1, len(ordered) + 1)
    return numbers[pieces]


@pytest.mark.parametrize("seed", range(12))
def test_they_agree_with_their_definition_on_any_tissue(seed):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(5, 700)), int(rng.integers(5, 150)))
    field = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0.7, 4))
    slide = Tissue(field > np.quantile(field, rng.uniform(0.5, 0.95)), 8.0, 8.0, 64.0, 0.1)
    gap = rng.uniform(0, 150)
    np.testing.assert_array_equal(find_sections(slide, gap), by_definition(slide, gap))


def microarray(side):
    """``side`` x ``side`` cores that start at uneven heights."""
    rng = np.random.default_rng(side)
    mask = np.zeros((side * 24, side * 24), dtype=bool)
    for row, column in np.ndindex(side, side):
        top = row * 24 + rng.integers(0, 5)
        mask[top : top + 12, column * 24 + 2 : column * 24 + 14] = True
    return Tissue(mask, 8.0, 8.0, 64.0, 0.1)


def test_the_order_of_many_sections_takes_as_many_steps_as_there_are(monkeypatch):
    taken = []

    def counted(heap, pop=module.heapq.heappop):
        taken.append(1)
        return pop(heap)

    monkeypatch.setattr(module.heapq, "heappop", counted)
    for side in (20, 60):
        taken.clear()
        found = find_sections(microarray(side), 50)
        assert found.max() == side**2
        assert len(taken) == side**2


def test_a_tile_of_many_sections_counts_only_its_own():
    slide = microarray(20)
    found = find_sections(slide, 50)
    corners = np.random.default_rng(0).uniform(0, 20 * 24 * 8 - 400, (300, 2))
    tiles = positions(*corners, extent=400.0)
    expected = []
    for x, y in corners:
        window = found[int(y // 8) : int(np.ceil((y + 400) / 8)), int(x // 8) : int(np.ceil((x + 400) / 8))]
        counts = np.bincount(window.ravel(), minlength=2)[1:]
        expected.append(counts.argmax() + 1 if counts.any() else 0)
    assert max(expected) > 256
    np.testing.assert_array_equal(section_of_tiles(found, slide, tiles), expected)
