"""What stages cost, and that a study that does not fit is refused."""

import pytest

from flows.estimate.costs import StageCost, free_bytes, in_bytes, refuse_too_large
from tasks.study.errors import UsageError


def test_a_study_that_does_not_fit_is_refused_with_the_largest_stages():
    costs = [
        StageCost("tile", 1000, 3.8e12, "computed", None, None),
        StageCost("train", 2, 1e8, "computed", None, None),
        StageCost("explain", 4000, 4.7e12, "measured", None, 40.0),
        StageCost("draw", 1000, 1e12, "guess", None, None),
    ]
    refuse_too_large(costs, 10**13, {})
    with pytest.raises(UsageError) as caught:
        refuse_too_large(costs, 10**12, {"a": 20_000_000, "b": 5_000_000})
    assert str(caught.value) == (
        "the study needs about 9.5 TB for 25,000,000 tiles and the disk of its home has 1.0 TB free; "
        "the largest are: explain 4.7 TB (measured), tile 3.8 TB (computed), draw 1.0 TB (guess). "
        "Explain fewer tiles (explain.tiles_per_slide), with fewer explainers or seeds, or put the home on a "
        "larger disk (--home)"
    )


def test_the_disk_of_a_home_that_is_not_there_yet_is_that_of_its_folder(tmp_path):
    assert free_bytes(tmp_path / "a" / "b") > 0


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2.5e6, "2.5 MB"), (1.26e13, "12.6 TB")]
)
def test_bytes_are_said_in_the_unit_that_reads_best(size, said):
    assert in_bytes(size) == said
