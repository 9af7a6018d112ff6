"""A bag model fits as plug-ins alone: model, explainer and metrics are defined here, and nothing is edited.

The model is the mean of the features and a linear head, so each tile's contribution and every point of every
curve can be computed by hand.
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.bag_evidence import BagEvidence
from tasks.evidence.block import Block
from tasks.evidence.drop_tiles import DropTiles
from tasks.explainers.base import Explainer, ExplanationError, Kind
from tasks.explaining.batch import BatchExplainer
from tasks.faithfulness._areas import area_infos, area_scores
from tasks.faithfulness._removal_curves import Order, RemovalCurves, ranks_of
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, Need, Probe, RankingMetric, UnitScores
from tasks.faithfulness.completeness import Completeness
from tasks.faithfulness.effective_complexity import EffectiveComplexity
from tasks.faithfulness.entropy import Entropy
from tasks.faithfulness.gini import Gini
from tasks.functional.curves import area_under
from tasks.functional.passes import Passes
from tasks.functional.tile_keys import tile_keys
from tasks.samples.axes import Input, Removal, ScoreUnit, Support
from tasks.samples.inputs import Bags

SIZES = (37, 5, 1, 24, 12, 2)
STEPS, D = 4, 6


class MeanPool(nn.Module):
    """Logits [B, 2]: a linear head on the mean of the real tiles; an empty bag gives the bias."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(D, 2)
        generator = torch.Generator().manual_seed(1)
        self.head.weight.data = torch.randn(2, D, generator=generator)
        self.head.bias.data = torch.tensor([0.1, 0.4])

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        weights = mask / mask.sum(1, keepdim=True).clamp(min=1)
        return self.head((features * weights[:, :, None]).sum(1))


class Contribution(Explainer):
    """a_k w.h_k: what each tile adds to the margin."""

    accepts: ClassVar[frozenset[Input]] = frozenset({"features"})
    support: ClassVar[Support] = "tile"
    complete: ClassVar[bool] = True
    kind: ClassVar[Kind] = "contribution"

    def attribute(self, model: MeanPool, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        sign = (2 * targets - 1).float()[:, None]
        worth = bags.features @ (model.head.weight[1] - model.head.weight[0])
        return sign * worth * bags.mask / bags.mask.sum(1, keepdim=True).clamp(min=1)

    def passes(self) -> Passes:
        return Passes(forward=1)

    def reference(self, model: nn.Module, bags: Bags) -> Bags:
        return Bags(bags.features, torch.zeros_like(bags.mask))


class TileDeletion(RankingMetric):
    """Deletion and insertion of tiles by the code that pixels use."""

    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"tile"})
    removal: ClassVar[Removal | None] = "drop_tiles"
    needs: ClassVar[frozenset[Need]] = frozenset({"forward"})
    orders: ClassVar[tuple[Order, ...]] = ("morf", "lerf")

    steps: int = STEPS
    seed: int = 0

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        return area_infos("mean margin while the %s relevant tiles go first", bounded=False)

    @property
    def asked(self) -> RemovalCurves:
        return RemovalCurves(DropTiles(), self.steps, self.orders, (self.ranked_by, self.seed))

    def probes(self, block: Block, part: AttributionBlock) -> tuple[Probe, ...]:
        ranks = partial(ranks_of, block, self.ranked(part.values), self.seed)
        return self.asked.probes(block, part.explainer_id, ranks)

    def minimum_forward(self) -> int:
        return self.asked.minimum_forward()

    def traced(self, block: Block, part: AttributionBlock, answers: Answers) -> Mapping[Order, Mapping]:
        read = partial(self.asked.traced, block.targets, part.explainer_id, answers)
        return {order: read(order) for order in self.orders}

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        return area_scores(self.traced(block, part, answers), "margin", self.asked.fractions(block))


class TileInsertion(TileDeletion):
    """The LeRF curve backwards."""

    orders: ClassVar[tuple[Order, ...]] = ("lerf",)

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        return (ScoreInfo(name="auc", direction="higher"),)

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        inserted = 1 - self.asked.fractions(block).flip(-1)
        curve = self.traced(block, part, answers)["lerf"]["margin"].flip(1)
        values = {"auc": area_under(curve, inserted)}
        return UnitScores(values=values, curves={"insertion_margin": curve}, fractions=inserted)


DELETION = TileDeletion(id="deletion", ranked_by="signed")
INSERTION = TileInsertion(id="insertion", ranked_by="signed")


def features(seed: int = 0) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(size, D)).astype(np.float32) for size in SIZES]


def explained(model: MeanPool, bag: np.ndarray, pad: int = 0) -> np.ndarray:
    padded = torch.from_numpy(np.concatenate([bag, np.full((pad, D), 9.0, np.float32)]))[None]
    mask = torch.arange(len(bag) + pad)[None] < len(bag)
    keys = tile_keys(["any"])
    return Contribution(id="true")(model, Bags(padded, mask), torch.tensor([1]), keys)[0].numpy()


def evidence(model: MeanPool, bags: list[np.ndarray], **more: list[np.ndarray]) -> BagEvidence:
    ids = [f"slide_{number}" for number in range(len(bags))]
    table = pd.DataFrame({"slide_id": ids, "patient_id": ids, "label": "tumour"})
    scores = {"true": [explained(model, bag) for bag in bags], **more}
    errors = {"true": np.array([completeness_error(model, bag) for bag in bags])}
    return BagEvidence(bags, table, scores, ("normal", "tumour"), 1, errors=errors)


def completeness_error(model: MeanPool, bag: np.ndarray) -> float:
    bags = Bags(torch.from_numpy(bag)[None], torch.ones(1, len(bag), dtype=torch.bool))
    target, explaining = torch.tensor([1]), BatchExplainer(Contribution(id="true"), model, batch=8)
    with torch.no_grad():
        maps = explaining.maps(bags, target, tile_keys(["any"]))
        return explaining.completeness_errors(bags, target, maps).item()


def scored(source: BagEvidence, *metrics: Metric, batch: int = 64) -> dict[tuple[str, str], MetricResult]:
    wanted = [(name, metric) for name in source.attributions for metric in metrics]
    return evaluate_pairs(MeanPool(), source, wanted, EvaluationSettings(batch=batch))


def curves(result: MetricResult, name: str) -> np.ndarray:
    rows = result.curves[result.curves["curve"] == name]
    return rows["value"].to_numpy().reshape(-1, STEPS + 1)


def by_hand(model: MeanPool, bag: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of tiles that went and the margin without them, tile by tile in ``order``."""
    weight = (model.head.weight[1] - model.head.weight[0]).detach().double().numpy()
    bias = (model.head.bias[1] - model.head.bias[0]).item()
    gone = np.round(np.arange(STEPS + 1) * len(bag) / STEPS).astype(int)
    heights = [(bag[order[n:]] @ weight).mean() + bias if n < len(bag) else bias for n in gone]
    return gone / len(bag), np.array(heights)


def test_the_contribution_is_complete_and_padding_has_none():
    model = MeanPool()
    for bag in features():
        assert abs(completeness_error(model, bag)) < 1e-6
        padded = explained(model, bag, pad=3)
        np.testing.assert_allclose(padded[: len(bag)], explained(model, bag), atol=1e-7)
        assert (padded[len(bag) :] == 0).all()


def test_every_point_of_both_curves_is_the_one_computed_by_hand():
    model, bags = MeanPool(), features()
    result = scored(evidence(model, bags), DELETION)["true", "deletion"]
    fractions = result.curves["fraction"].to_numpy().reshape(3 * 2, len(SIZES), STEPS + 1)
    for number, bag in enumerate(bags):
        best_first = np.argsort(-explained(model, bag), kind="stable")
        for order, sequence in (("morf", best_first), ("lerf", best_first[::-1])):
            share, heights = by_hand(model, bag, sequence)
            np.testing.assert_allclose(curves(result, f"{order}_margin")[number], heights, atol=1e-5)
            np.testing.assert_allclose(fractions[0, number], share)
            area = ((heights[1:] + heights[:-1]) / 2 * np.diff(share)).sum()
            row = result.scores.query("score == @order").iloc[number]
            assert row["value"] == pytest.approx(area, abs=1e-5)


def test_scores_are_of_slides():
    scores = scored(evidence(MeanPool(), features()), DELETION)["true", "deletion"].scores
    assert set(scores["unit"]) == {"slide"}
    assert scores["unit_id"].tolist()[::3] == [f"slide_{number}" for number in range(len(SIZES))]


def test_insertion_is_the_lerf_curve_backwards_and_costs_nothing_more():
    found = scored(evidence(MeanPool(), features()), DELETION, INSERTION)
    deleted, inserted = found["true", "deletion"], found["true", "insertion"]
    assert np.array_equal(curves(inserted, "insertion_margin"), curves(deleted, "lerf_margin")[:, ::-1])
    assert inserted.measures["plan_forward_images"] == len(SIZES) * DELETION.minimum_forward()
    assert inserted.info.passes == inserted.info.minimum_passes


def test_the_true_contribution_beats_twenty_random_orders():
    model, bags = MeanPool(), features()
    generator = np.random.default_rng(0)
    orders = {f"random_{n}": [generator.normal(size=len(bag)) for bag in bags] for n in range(20)}
    found = scored(evidence(model, bags, **orders), DELETION)
    gaps = {name: result.scores.query("score == 'gap'")["value"] for (name, _), result in found.items()}
    long = np.array(SIZES) > STEPS
    for name in orders:
        assert (gaps["true"].to_numpy()[long] > gaps[name].to_numpy()[long]).all()
    assert abs(np.mean([gaps[name].mean() for name in orders])) < 0.25 * gaps["true"].mean()


METRICS = (DELETION, INSERTION, Gini(), Entropy(), EffectiveComplexity(), Completeness())


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_a_batch_of_all_equals_one_bag_at_a_time(metric):
    """One at a time there is no padding, together all but the longest bag are padded."""
    constant = [np.zeros(size) for size in SIZES]
    source = evidence(MeanPool(), features(), constant=constant)
    together, alone = (scored(source, metric, batch=batch) for batch in (64, 1))
    for part, result in together.items():
        pd.testing.assert_frame_equal(result.scores, alone[part].scores, atol=1e-6, rtol=1e-6)


def test_the_order_of_tiles_changes_nothing():
    model, bags = MeanPool(), features()
    turned = [bag[::-1].copy() for bag in bags]
    tables = [scored(evidence(model, each), DELETION)["true", "deletion"].scores for each in (bags, turned)]
    pd.testing.assert_frame_equal(*tables, atol=1e-5, rtol=1e-5)


def test_sparseness_of_a_padded_bag_is_that_of_its_tiles():
    model, bags = MeanPool(), features()
    found = scored(evidence(model, bags), Gini())["true", "gini"].scores["value"]
    for value, bag in zip(found, bags, strict=True):
        sizes = np.sort(np.abs(explained(model, bag).astype(np.float64)))
        n = len(sizes)
        expected = ((2 * np.arange(1, n + 1) - n - 1) * sizes).sum() / (n * sizes.sum())
        assert value == pytest.approx(expected, abs=1e-6)


def test_stored_errors_of_completeness_are_read():
    found = scored(evidence(MeanPool(), features()), Completeness())["true", "completeness"].scores
    assert (found.query("score == 'error'")["value"] < 1e-6).all()


def test_features_of_another_shape_are_refused():
    bags = Bags(torch.zeros(2, D), torch.ones(2, D, dtype=torch.bool))
    with pytest.raises(ExplanationError, match=r"features have shape \[2, 6\]; needed \[B, N, D\]"):
        Contribution(id="true")(MeanPool(), bags, torch.tensor([1, 1]), tile_keys(["a", "b"]))
