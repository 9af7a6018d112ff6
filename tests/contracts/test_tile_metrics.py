"""Every metric of scores of tiles, held to the rules of the house."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS, FaithfulnessReport
from tasks.artifacts.payload import content_digest, list_payload
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.bag_evidence import BagEvidence
from tasks.faithfulness.base import Metric
from tasks.functional.passes import counted_passes
from tasks.plugins import available, plugin_class
from tests._support.scored_bags import (
    SIZES,
    Asked,
    D,
    Doubled,
    TermContribution,
    judged,
    made_bags,
    network,
    turned,
)
from tests._support.small_networks import state_of

NAMES = [
    name
    for name in available("tasks.faithfulness")
    if "tile" in plugin_class("tasks.faithfulness", name).supports
]


def metric_of(name: str) -> Metric:
    metric = plugin_class("tasks.faithfulness", name)()
    assert isinstance(metric, Metric)
    return metric


@pytest.fixture(scope="module")
def evidence() -> BagEvidence:
    return made_bags()


def subject(name: str) -> str:
    """Return whose maps are scored: what has ties, or what is at hand where an explainer is called."""
    return "true" if "attribution" in metric_of(name).needs else "noise"


def alone(evidence: BagEvidence, name: str, model: type[Doubled] = Doubled, batch: int = 16) -> MetricResult:
    return judged(evidence, metric_of(name), subject(name), network(model), batch)


@pytest.fixture(scope="module")
def company(evidence) -> Mapping[type[Doubled], Mapping[tuple[str, str], MetricResult]]:
    """Return every metric on two maps, scored in one plan, for both networks."""
    wanted = [("true", metric_of(name)) for name in NAMES]
    wanted += [("noise", metric_of(name)) for name in NAMES if subject(name) == "noise"]
    return {
        model: evaluate_pairs(network(model), evidence, wanted, EvaluationSettings(16))
        for model in (Doubled, Asked)
    }


def digest(result: MetricResult, folder: Path) -> str:
    folder.mkdir()
    result.write(folder)
    return content_digest(list_payload(folder))


def assert_alike(one: MetricResult, other: MetricResult, close: float) -> None:
    pd.testing.assert_frame_equal(one.scores, other.scores, rtol=close, atol=close)
    assert (one.curves is None) == (other.curves is None)
    if one.curves is not None:
        pd.testing.assert_frame_equal(one.curves, other.curves, rtol=close, atol=close)


def test_there_are_metrics():
    assert {"tile_deletion", "tile_insertion", "tile_localisation", "sufficiency", "gini"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_report_holds_every_slide_with_every_score_in_its_bounds(name, evidence, tmp_path):
    result, metric = alone(evidence, name), metric_of(name)
    result.write(tmp_path)
    report = FaithfulnessReport(tmp_path)
    scores = report.scores
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert set(scores["unit"]) == {"slide"}
    assert len(scores) == len(SIZES) * len(metric.score_infos())
    for info in metric.score_infos():
        values = scores.loc[scores["score"] == info.name, "value"]
        assert values.isna().sum() == sum(report.info.excluded.values())
        assert values.notna().any() or name == "completeness"
        assert np.isfinite(values.dropna()).all()
        assert info.lower_bound is None or not (values < info.lower_bound).any()
        assert info.upper_bound is None or not (values > info.upper_bound).any()


@pytest.mark.parametrize("model", [Doubled, Asked])
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_all_equals_one_bag_at_a_time(name, model, evidence):
    """One at a time there is no padding, together all but the longest bag are padded."""
    whole = alone(evidence, name, model, batch=16)
    for batch in (1, 3):
        assert_alike(alone(evidence, name, model, batch), whole, 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_terms_and_the_asked_network_say_the_same(name, evidence):
    assert_alike(alone(evidence, name, Doubled), alone(evidence, name, Asked), 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_tiles_changes_nothing(name, evidence):
    assert_alike(alone(turned(evidence), name), alone(evidence, name), 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_slides_changes_nothing(name, evidence):
    back = replace(
        evidence,
        features=evidence.features[::-1],
        table=evidence.table.iloc[::-1].reset_index(drop=True),
        attributions={key: each[::-1] for key, each in evidence.attributions.items()},
        about=evidence.about[::-1],
        tile_classes=evidence.tile_classes[::-1],
        marks={mark: each[::-1] for mark, each in evidence.marks.items()},
        tile_ids=evidence.tile_ids[::-1],
    )
    tables = [alone(e, name).scores.sort_values(["unit_id", "score"]) for e in (evidence, back)]
    pd.testing.assert_frame_equal(*[table.reset_index(drop=True) for table in tables], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("model", [Doubled, Asked])
@pytest.mark.parametrize("name", NAMES)
def test_alone_and_in_company_its_payload_has_the_same_bytes(name, model, evidence, company, tmp_path):
    one, together = alone(evidence, name, model), company[model][subject(name), name]
    assert digest(one, tmp_path / "alone") == digest(together, tmp_path / "company")
    named = judged(
        evidence, metric_of(name).model_copy(update={"id": "other"}), subject(name), network(model), 16
    )
    assert digest(named, tmp_path / "named") == digest(one, tmp_path / "plain")


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_mixes_tiles_is_asked_as_often_as_is_said(name, evidence):
    model = network(Asked)
    with counted_passes(model) as counter:
        result = judged(evidence, metric_of(name), subject(name), model)
    assert result.info.passes == result.info.minimum_passes
    assert counter.spent.forward == result.info.passes["forward"]


@pytest.mark.parametrize("name", NAMES)
def test_terms_cost_no_more_than_a_pass_for_each_network(name, evidence):
    result = alone(evidence, name)
    # A changed network says its terms for the ends of the curves, and once more for what lies between.
    networks = 2 * metric_of(name).draws if name == "random_head_deletion" else 1
    if metric_of(name).removal == "drop_tiles":
        assert result.info.passes == {"forward": networks * len(SIZES)} == result.info.minimum_passes
        assert result.measures["plan_forward_images"] == networks * len(SIZES)


@pytest.mark.parametrize("model", [Doubled, Asked])
@pytest.mark.parametrize("name", NAMES)
def test_model_and_data_are_left_as_found(name, model, evidence):
    asked, before = network(model), [each.copy() for each in evidence.features]
    state = state_of(asked)
    judged(evidence, metric_of(name), subject(name), asked)
    assert state_of(asked) == state
    assert all(np.array_equal(one, other) for one, other in zip(before, evidence.features, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_maps_that_leave_tiles_without_a_value_are_counted_and_not_ranked(name, evidence):
    if metric_of(name).removal != "drop_tiles":
        return
    holes = [each.copy() for each in evidence.attributions["noise"]]
    holes[0][3] = np.nan
    partly = replace(evidence, attributions={"noise": holes}, kinds={"noise": "contribution"})
    result = judged(partly, metric_of(name), "noise")
    first = result.scores[result.scores["unit_id"] == "slide_0"]
    assert first["value"].isna().all()
    assert result.info.excluded["the map leaves tiles of the bag without a value"] == 1


def test_the_explainer_that_is_called_is_the_one_that_made_the_maps(evidence):
    assert evidence.features[0].shape == (SIZES[0], D)
    assert isinstance(evidence.explainers["true"], TermContribution)
