"""The benchmark of curves measures what it says, here on a small slide."""

from benchmarks.slide_level_curves import measure


def test_the_closed_form_is_faster_and_the_same():
    found = measure(tiles=1500, dim=16, loop_steps=4)
    assert found["closed_form_error"] < 1e-9
    assert found["curve_speedup"] > 20
    assert found["loop_seconds"] > found["curve_seconds"] > 0
