"""Every metric there is, asked of images in memory; also of maps and masks that say nothing."""

import numpy as np
import pytest

from tasks.faithfulness.base import Metric
from tasks.plugins import available, plugin_class
from tasks.scoring.evaluate import evaluate
from tasks.scoring.memory import MASKS
from tests._support.small_networks import small_network

SIDE, COUNT = 16, 4
NAMES = available("tasks.faithfulness")
OF_TILES = [name for name in NAMES if "pixel" not in plugin_class("tasks.faithfulness", name).supports]
GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.random((COUNT, 3, SIDE, SIDE)).astype(np.float32)
TARGETS = [0, 1, 1, 0]
HALF = np.zeros((COUNT, SIDE, SIDE), bool)
HALF[:, :, : SIDE // 2] = True
SAYING_NOTHING = {
    "zeros": np.zeros((COUNT, SIDE, SIDE)),
    "constant": np.full((COUNT, SIDE, SIDE), 0.25),
    "one_pixel": np.where(np.arange(SIDE * SIDE).reshape(SIDE, SIDE) == 7, 1.0, np.zeros((COUNT, 1, 1))),
}


def needs(name):
    metric = plugin_class("tasks.faithfulness", name)
    assert issubclass(metric, Metric)
    return metric.needs


def masks(inside):
    return {name: inside for name in MASKS if name != "tissue"}


@pytest.fixture(scope="module")
def brought():
    return evaluate(
        small_network(),
        IMAGES,
        TARGETS,
        attributions={"m": GENERATOR.normal(size=(COUNT, SIDE, SIDE)), **SAYING_NOTHING},
        kinds="sensitivity",
        metrics=NAMES,
        masks=masks(HALF),
    )


@pytest.fixture(scope="module")
def called():
    return evaluate(
        small_network(),
        IMAGES,
        TARGETS,
        explainers={"gradient": "gradient", "ig": {"name": "integrated_gradients", "steps": 4}},
        metrics=NAMES,
        masks=masks(HALF),
        controls=(),
    )


def test_maps_alone_answer_all_that_calls_no_explainer(brought):
    for name in NAMES:
        if name in OF_TILES:
            assert brought.unavailable[name] == "not available: needs bags of tiles"
        elif "dataset" in needs(name):
            assert brought.unavailable[name] == "not available: needs slides"
        elif "attribution" in needs(name):
            assert brought.unavailable[name] == "not available: needs an explainer"
        else:
            assert name not in brought.unavailable
            assert ("m", name) in brought.results


def test_explainers_answer_all_but_what_needs_slides(called):
    assert {name for name, why in called.unavailable.items() if "slides" not in why} == set(OF_TILES)
    scored = called.means[called.means["explainer"] == "ig"].set_index("metric")["scored"]
    assert (scored == COUNT).all()
    assert called.passes["forward"] == called.passes["minimum_forward"]
    assert called.passes["backward"] == called.passes["minimum_backward"]


def test_a_score_is_finite_or_left_out_with_a_reason(brought, called):
    for table in (brought, called):
        for part, result in table.results.items():
            for info in result.info.scores:
                values = result.scores.loc[result.scores["score"] == info.name, "value"]
                assert len(values) == COUNT
                assert np.isfinite(values.dropna()).all()
                assert values.isna().sum() == sum(result.info.excluded.values()), part


@pytest.mark.parametrize("inside", [False, True])
def test_a_mask_of_one_class_is_left_out_and_never_a_hit(inside):
    """Where the mask covers nothing, or everything, no place is a right or a wrong one."""
    judging = [name for name in NAMES if "mask" in needs(name) and "dataset" not in needs(name)]
    table = evaluate(
        small_network(),
        IMAGES,
        TARGETS,
        attributions={"m": GENERATOR.normal(size=(COUNT, SIDE, SIDE))},
        kinds="sensitivity",
        metrics=judging,
        masks=masks(np.full((COUNT, SIDE, SIDE), inside)),
        controls=(),
    )
    assert len(judging) >= 4
    assert set(table.means["scored"]) == {0}
    assert set(table.excluded["images"]) == {COUNT}


def test_completeness_is_measured_on_maps_made_here_alone(brought, called):
    reason = brought.excluded.query("metric == 'completeness' and explainer == 'm'")["reason"].tolist()
    assert reason == ["the explainer names no reference"]
    assert called.means.query("metric == 'completeness' and explainer == 'ig'")["scored"].tolist()[0] == COUNT
