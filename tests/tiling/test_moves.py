import numpy as np

from tasks.tiling.moves import Move, moves
from tests._support.geometries import geometry_of

CORNERS = np.array([[1.0, 2.0], [3.0, 5.0]])


def test_a_move_swaps_scales_and_shifts_in_this_sequence():
    assert Move()(CORNERS).tolist() == CORNERS.tolist()
    assert Move(10.0, swapped=True, shift=(1.0, 0.0))(CORNERS).tolist() == [[21, 10], [51, 30]]


def test_the_scales_of_the_levels_come_before_powers_of_two_and_none_twice():
    words = [text for text, _ in moves(geometry_of(400, 300, downsamples=(1.0, 4.0, 12.5)))]
    times = [text for text in words if text.startswith("coordinates times")]
    assert times == [f"coordinates times {n:g}" for n in (4, 12.5, 2, 8, 16, 32, 64, 128, 256)]
    assert words[0] == "swapping x and y"
    assert len(set(words)) == len(words)


def test_the_corner_of_the_scanned_area_is_tried_where_it_is_not_the_slides():
    found = dict(moves(geometry_of(400, 300, bounds=(30, 40, 300, 200))))
    assert found["adding the corner of the scanned area (30, 40)"](CORNERS)[0].tolist() == [31, 42]
    assert found["taking away the corner of the scanned area (30, 40)"](CORNERS)[0].tolist() == [-29, -38]
