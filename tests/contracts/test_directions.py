"""The direction that a metric states is true: a better map scores better."""

from typing import ClassVar

import pytest

from tasks.faithfulness.base import Metric
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.local_lipschitz import LocalLipschitz
from tasks.faithfulness.pixel_auc import PixelAuc
from tasks.plugins import available, plugin_class
from tests._support.directions import assert_directions_are_true

NAMES = available("tasks.faithfulness")
DIRECTED = [
    name
    for name in NAMES
    if any(info.direction != "none" for info in plugin_class("tasks.faithfulness", name)().score_infos())
]


def lying(honest: type[Metric]) -> Metric:
    """Return the metric with its first directed score the wrong way round."""

    class Liar(honest):
        source: ClassVar[str] = "a lie"

        def score_infos(self):
            infos = super().score_infos()
            turned = {"higher": "lower", "lower": "higher", "none": "none"}
            first = next(info for info in infos if info.direction != "none")
            lie = first.model_copy(update={"direction": turned[first.direction]})
            return tuple(lie if info is first else info for info in infos)

    return Liar()


def test_there_are_directions():
    assert len(DIRECTED) > 20


@pytest.mark.parametrize("name", DIRECTED)
def test_a_better_map_scores_better(name, tmp_path):
    assert_directions_are_true(plugin_class("tasks.faithfulness", name)(), tmp_path)


@pytest.mark.parametrize("honest", [Deletion, PixelAuc, LocalLipschitz])
def test_a_metric_that_lies_about_its_direction_is_found(honest, tmp_path):
    with pytest.raises(AssertionError, match="'good'"):
        assert_directions_are_true(lying(honest), tmp_path)
