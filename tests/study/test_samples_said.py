"""How many tiles were explained is said by the comparison."""

import pytest

from tasks import compare
from tasks.explain import ExplainSection
from tests._support.tile_sets import make_tile_set


class Asked:
    """A study as far as it is asked here."""

    def __init__(self, told):
        self._section = ExplainSection(explainers=["gradient"], controls=[], tiles_per_slide=told)

    def section(self, _):
        return self._section


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    return [
        make_tile_set(folder / "a", "a", "p", "test", 30, failed=(2,)),
        make_tile_set(folder / "b", "b", "p", "test", 10),
    ]


@pytest.mark.parametrize("told", ["all", None, 29, 512])
def test_all_tiles(slides, told):
    assert compare._explained(Asked(told), slides) == "all 39 tiles were explained"


@pytest.mark.parametrize(("told", "count"), [(20, 30), (5, 10)])
def test_a_sample(slides, told, count):
    said = compare._explained(Asked(told), slides)
    assert said.startswith(f"{count} of 39 tiles were explained, at most {told} per slide, sampled by the")
