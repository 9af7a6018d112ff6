"""Every metric there is, held to the rules of the house."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS, FaithfulnessReport
from tasks.artifacts.payload import content_digest, list_payload
from tasks.artifacts.tile_set import ANNOTATION_MASK, TileSet
from tasks.evaluation.plan import EvaluationSettings, count_steps, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.evidence.explainer_like import ExplainerLike
from tasks.evidence.sources import EvidenceError
from tasks.explainers.gradient import Gradient
from tasks.faithfulness.base import Metric
from tasks.functional.passes import counted_passes
from tasks.plugins import available, plugin_class, recipe_of
from tests._support.attribution_sets import darkness, maps_of, noise
from tests._support.explaining import Known, clean_maps
from tests._support.plugin_rules import assert_is_its_own_configuration
from tests._support.small_networks import FailingError, FailingNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set

EVERY = available("tasks.faithfulness")
NAMES = [name for name in EVERY if "pixel" in plugin_class("tasks.faithfulness", name).supports]
"""Those that score maps; test_tile_metrics.py holds those of scores of tiles to the same rules."""
EXPLAINERS: dict[str, ExplainerLike] = {
    "darkness": Known(lambda images, _keys: 1 - images.mean(1)),
    "gradient": Gradient(),
}
"""Those at hand for metrics that call them; of ``noise`` there are only maps."""

SETTINGS = EvaluationSettings(batch=16)


def metric_of(name: str) -> Metric:
    metric = plugin_class("tasks.faithfulness", name)()
    assert isinstance(metric, Metric)
    return metric


@pytest.fixture(scope="module")
def evidence(tmp_path_factory) -> Evidence:
    folder = tmp_path_factory.mktemp("evidence")
    slides = [
        make_tile_set(folder / name, name, f"patient_{name}", "test", count, failed=failed)
        for name, count, failed in (("s1", 40, (3, 8)), ("s2", 17, ()), ("s3", 2, ()))
    ]
    # On one slide the outlines are those of other tiles, so that darkness does not tell what they hold.
    np.save(slides[0].folder / ANNOTATION_MASK, np.roll(slides[0].annotation_mask, 1, axis=0))
    slides[0] = TileSet(slides[0].folder)
    maps = {"noise": noise, "darkness": darkness, "gradient": gradient}
    error = {"noise": 0.1, "darkness": np.nan, "gradient": np.nan}
    sets = {name: maps_of(folder / name, slides, draw, error[name]) for name, draw in maps.items()}
    return Evidence(
        slides, sets, ("normal", "tumour"), 1, EXPLAINERS, kinds=dict.fromkeys(sets, "sensitivity")
    )


@pytest.fixture(scope="module")
def company(evidence) -> Mapping[tuple[str, str], MetricResult]:
    """Return every metric on every explainer at hand, scored in one plan."""
    wanted = [(explainer, metric_of(metric)) for metric in NAMES for explainer in EXPLAINERS]
    return evaluate_pairs(small_network(), evidence, wanted, SETTINGS)


def gradient(tiles: TileSet) -> np.ndarray:
    return clean_maps(EXPLAINERS["gradient"], small_network(), tiles)


def subject(name: str) -> str:
    """Return whose maps are scored: what has ties, or what costs passes where the explainer is called."""
    return "gradient" if "attribution" in metric_of(name).needs else "noise"


def alone(evidence: Evidence, name: str, explainer: str = "", batch: int = 16) -> MetricResult:
    explainer = explainer or subject(name)
    parts = [(explainer, metric_of(name))]
    return evaluate_pairs(small_network(), evidence, parts, EvaluationSettings(batch))[explainer, name]


def digest(result: MetricResult, folder: Path) -> str:
    folder.mkdir()
    result.write(folder)
    return content_digest(list_payload(folder))


def test_there_are_metrics():
    known = {"deletion", "gini", "local_lipschitz", "mass_accuracy", "rank_accuracy", "section_auc"}
    assert known <= set(NAMES)


@pytest.mark.parametrize("name", EVERY)
def test_it_is_its_own_configuration(name):
    metric = metric_of(name)
    assert metric.name == name
    assert_is_its_own_configuration(metric)


@pytest.mark.parametrize("name", EVERY)
def test_it_says_where_it_comes_from_and_what_it_does_with_sign(name):
    metric = metric_of(name)
    assert len(metric.source) > 20
    assert "sign" in metric.sign
    assert metric.asks in ("sensitivity", "contribution", "either")
    infos = metric.score_infos()
    assert len({info.name for info in infos}) == len(infos) > 0
    assert all(info.meaning for info in infos)
    assert any(metric.sign in info.meaning for info in infos)


@pytest.mark.parametrize("name", NAMES)
def test_its_report_holds_every_unit_with_every_score_in_its_bounds(name, evidence, tmp_path):
    result, metric = alone(evidence, name), metric_of(name)
    measures = result.write(tmp_path)
    report = FaithfulnessReport(tmp_path)
    pd.testing.assert_frame_equal(report.scores, result.scores)
    assert report.info == result.info
    assert (report.curves is None) == (result.curves is None)
    assert report.info.metric == recipe_of(metric)
    assert measures["plan_forward_images"] == result.info.passes["forward"]
    scores = report.scores
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert len(scores) > 0
    assert set(scores["unit"]) == metric.units & {"tile", "section"}
    assert not scores.duplicated(["unit_id", "score"]).any()
    for info in metric.score_infos():
        values = scores.loc[scores["score"] == info.name, "value"]
        assert values.isna().sum() == sum(report.info.excluded.values())
        assert values.notna().any()
        assert np.isfinite(values.dropna()).all()
        assert info.lower_bound is None or values.min() >= info.lower_bound
        assert info.upper_bound is None or values.max() <= info.upper_bound


@pytest.mark.parametrize("name", [name for name in NAMES if "tile" in metric_of(name).units])
def test_each_row_carries_the_label_of_its_tile(name, evidence):
    whole = metric_of(name).model_copy(update={"labels": "all"})
    whose = subject(name)
    scores = evaluate_pairs(small_network(), evidence, [(whose, whole)], SETTINGS)[whose, name].scores
    labels = pd.concat([tiles.table.set_index("tile_id")["label"] for tiles in evidence.tile_sets])
    assert scores["label"].tolist() == labels.loc[scores["unit_id"]].tolist()
    assert set(scores["label"]) == {"normal", "tumour", "mixed"}


@pytest.mark.parametrize("name", NAMES)
def test_the_batch_does_not_matter(name, evidence):
    whole = alone(evidence, name, batch=16).scores
    for batch in (1, 7, 100):
        pd.testing.assert_frame_equal(alone(evidence, name, batch=batch).scores, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_slides_does_not_matter(name, evidence):
    sets = {name: sets[::-1] for name, sets in evidence.attributions.items()}
    turned = replace(evidence, tile_sets=evidence.tile_sets[::-1], attributions=sets)
    tables = [alone(e, name).scores.sort_values(["unit_id", "score"]) for e in (evidence, turned)]
    pd.testing.assert_frame_equal(*[table.reset_index(drop=True) for table in tables])


@pytest.mark.parametrize("name", NAMES)
def test_alone_and_in_company_its_payload_has_the_same_bytes(name, evidence, company, tmp_path):
    for explainer in EXPLAINERS:
        together = digest(company[explainer, name], tmp_path / f"company_{explainer}")
        assert digest(alone(evidence, name, explainer), tmp_path / f"alone_{explainer}") == together


@pytest.mark.parametrize("name", NAMES)
def test_its_id_changes_no_byte(name, evidence, tmp_path):
    named, whose = metric_of(name).model_copy(update={"id": "other"}), subject(name)
    result = evaluate_pairs(small_network(), evidence, [(whose, named)], SETTINGS)[whose, "other"]
    assert digest(result, tmp_path / "named") == digest(alone(evidence, name), tmp_path / "plain")


@pytest.mark.parametrize("name", NAMES)
def test_it_costs_what_it_says(name, evidence):
    model, told, parts = small_network(), [], [(subject(name), metric_of(name))]
    with counted_passes(model) as counter:
        result = evaluate_pairs(model, evidence, parts, SETTINGS, told.append)[subject(name), name]
    assert result.info.passes == result.info.minimum_passes
    assert counter.spent.forward == result.info.passes["forward"]
    assert counter.spent.backward == result.info.passes.get("backward", 0)
    assert result.measures["plan_explained_images"] == result.info.passes.get("explained", 0)
    assert sum(told) == count_steps(evidence, parts)


@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_left_as_found(name, evidence):
    model = small_network()
    before = state_of(model)
    evaluate_pairs(model, evidence, [(subject(name), metric_of(name))], SETTINGS)
    assert state_of(model) == before


@pytest.mark.parametrize("calls", [0, 1, 5])
@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_left_as_found_also_when_it_fails(name, calls, evidence):
    model = FailingNetwork(calls)
    before = state_of(model)
    with contextlib.suppress(EvidenceError, FailingError):
        evaluate_pairs(model, evidence, [(subject(name), metric_of(name))], SETTINGS)
    assert state_of(model) == before
