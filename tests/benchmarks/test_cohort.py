"""The figures of the benchmark, from costs that are given."""

import pytest

from benchmarks.cohort import CohortRun, StageCost, power, summary, table
from benchmarks.cohort_slides import small_slide
from benchmarks.cohort_stage import in_own_process
from benchmarks.cohort_study import HOME, STUDY, bytes_below, tiles_and_bytes, write_cohort


def run(size: int, seconds: float, evaluate_mb: float, draw_mb: float | None = None) -> CohortRun:
    stages = {"evaluate": StageCost(2 * seconds, seconds, evaluate_mb, 1, 10)}
    if draw_mb is not None:
        stages["draw"] = StageCost(1.0, 0.5 * seconds, draw_mb, 1)
    return CohortRun(size, stages, tiles=100 * size, tile_bytes=5000 + 150 * 100 * size)


def test_growth_is_the_larger_one_and_bytes_leave_out_the_pictures_of_a_slide():
    large = [run(1, 10.0, 500.0, 300.0), run(4, 40.0, 512.34, 301.0)]
    many = [run(300, 10.0, 450.0), run(1200, 42.0, 455.0)]
    assert summary(large, many) == {
        "evaluate_mb_growth": 12.3,
        "heatmap_mb_growth": 1.0,
        "bytes_per_tile": 150,
        "slides_under_1024_files": 1200,
        "linear_exponent": 1.04,
    }


@pytest.mark.parametrize("wanted", [0.5, 1.0, 2.0])
def test_the_power_of_growth(wanted):
    assert power((3, 2.0), (12, 2.0 * 4**wanted)) == pytest.approx(wanted)


def test_every_stage_has_a_line():
    lines = table("Slides", [run(3, 1.0, 500.0, 5.0), run(12, 4.0, 510.0, 6.0)]).splitlines()
    assert lines[1] == "Slides: 3 (300 tiles) and 12 (1200 tiles)"
    assert [line.split()[0] for line in lines[3:]] == ["evaluate", "draw"]
    assert lines[3].endswith(" 1.00")


def test_a_small_cohort_is_tiled_and_predicted_in_processes_of_their_own(tmp_path):
    """Every stage goes through the engine: a study that can no longer be read would be noticed here."""
    folder = tmp_path / "cohort"
    write_cohort(folder, [small_slide("s0")], 128)
    for stage, made in (("tile", 5), ("train", 1), ("predict", 1), ("open", 1), ("explain", 2)):
        found = in_own_process(folder / STUDY, folder / HOME, stage)
        assert found["made"] == made
        assert found["peak_mb"] > 0
    assert tiles_and_bytes(folder / HOME)[0] == 5 * 8
    assert bytes_below(folder / HOME) > tiles_and_bytes(folder / HOME)[1] > 0


def test_a_stage_that_fails_is_an_error(tmp_path):
    folder = tmp_path / "cohort"
    write_cohort(folder, [small_slide("s0")], 128)
    with pytest.raises(RuntimeError, match="stage predict failed"):
        in_own_process(folder / STUDY, folder / HOME, "predict")
