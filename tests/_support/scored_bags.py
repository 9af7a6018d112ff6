"""Bags in memory with scores of their tiles, and the small networks that they explain."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.bag_evidence import BagEvidence
from tasks.faithfulness.base import Metric
from tasks.functional.passes import Passes
from tasks.functional.pooled_terms import PooledTerms
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.base import PooledNetwork
from tasks.samples.inputs import Bags

D = 6
SIZES = (37, 5, 1, 24, 2, 40, 3)
CLASSES = ("normal", "tumour")


class Doubled(nn.Module):
    """A pooled network in float64 that says its terms."""

    is_pooled = True

    def __init__(self, network: PooledNetwork) -> None:
        super().__init__()
        self.network = network.double()

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, K]."""
        logits: Tensor = self.network(features.double(), mask)
        return logits

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return its terms."""
        return self.network.terms(features.double(), mask)


class Asked(Doubled):
    """The same network, which has to be asked about every bag."""

    is_pooled = False


def network(of: type[Doubled] = Doubled, seed: int = 1, lean: float = -0.2) -> Doubled:
    """Return an attention network with random weights; ``lean`` is the margin of an empty bag.

    By default it calls bags of normal features the second class, and an empty bag the first.
    """
    inner = Abmil(embed=8, attention=4).build(D, len(CLASSES), seed)
    inner.head.bias.data = torch.tensor([0.0, lean])
    return of(inner).eval()


class TermContribution:
    """What each tile adds to the margin, as an explainer that metrics may call."""

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the model."""
        return model

    def attribute(self, model: Doubled, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return scores [B, N]."""
        model(bags.features, bags.mask)
        added = model.network.terms(bags.features.double(), bags.mask).contributions
        return ((added[:, :, 1] - added[:, :, 0]) * (2 * targets - 1)[:, None]).float()

    def passes(self) -> Passes:
        """One forward."""
        return Passes(forward=1)


def contributions(model: Doubled, features: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what each tile of each bag adds to the margin of the second class."""
    found = []
    with torch.no_grad():
        for bag in features:
            mask = torch.ones(1, len(bag), dtype=torch.bool)
            added = model.network.terms(torch.from_numpy(bag)[None].double(), mask).contributions[0]
            found.append((added[:, 1] - added[:, 0]).numpy())
    return found


def made_bags(sizes: Sequence[int] = SIZES, seed: int = 0, model: Doubled | None = None) -> BagEvidence:
    """Return bags of normal features with the maps ``true``, ``noise`` and ``zeros``.

    The class of a tile is that of its true contribution's sign; every seventh is not known. Darkness is
    noise, and tiles of the second class are marked. Ids are those of places, so tiles keep them when a bag
    is turned.
    """
    model, generator = model or network(), np.random.default_rng(seed)
    features = [generator.normal(size=(size, D)).astype(np.float32) for size in sizes]
    true = contributions(model, features)
    names = [f"slide_{number}" for number in range(len(sizes))]
    about = [generator.uniform(0, 1, (size, 4)).astype(np.float32) for size in sizes]
    classes = [np.where(np.arange(len(each)) % 7 == 6, -1, each > 0).astype(np.int64) for each in true]
    maps: Mapping[str, list[np.ndarray]] = {
        "true": true,
        "noise": [generator.normal(size=size) for size in sizes],
        "zeros": [np.zeros(size) for size in sizes],
    }
    return BagEvidence(
        features=features,
        table=pd.DataFrame({"slide_id": names, "patient_id": names, "label": CLASSES[1]}),
        attributions=maps,
        classes=CLASSES,
        target=1,
        explainers={"true": TermContribution()},
        errors={"true": np.zeros(len(sizes))},
        kinds=dict.fromkeys(maps, "contribution"),
        about=about,
        tile_classes=classes,
        marks={"evidence": [np.where(each == 1, 0.9, 0.1).astype(np.float32) for each in classes]},
        tile_ids=[
            [f"{name}/{place}" for place in range(size)] for name, size in zip(names, sizes, strict=True)
        ],
    )


def turned(evidence: BagEvidence) -> BagEvidence:
    """Return the same bags with their tiles in reverse order."""

    def back(arrays: Sequence) -> list:
        return [each[::-1] if isinstance(each, list) else each[::-1].copy() for each in arrays]

    return replace(
        evidence,
        features=back(evidence.features),
        attributions={name: back(each) for name, each in evidence.attributions.items()},
        about=back(evidence.about),
        tile_classes=back(evidence.tile_classes),
        marks={mark: back(each) for mark, each in evidence.marks.items()},
        tile_ids=back(evidence.tile_ids),
    )


def judged(
    evidence: BagEvidence, metric: Metric, explainer: str, model: nn.Module | None = None, batch: int = 64
) -> MetricResult:
    """Return the scores of one explainer by one metric."""
    wanted = [(explainer, metric)]
    return evaluate_pairs(model or network(), evidence, wanted, EvaluationSettings(batch))[
        explainer, metric.id
    ]


def values(result: MetricResult, score: str) -> np.ndarray:
    """Return one score of each bag, in order."""
    return result.scores.loc[result.scores["score"] == score, "value"].to_numpy()


def curves(result: MetricResult, name: str) -> np.ndarray:
    """Return one curve of each bag, [B, S + 1]."""
    rows = result.curves[result.curves["curve"] == name]
    return rows["value"].to_numpy().reshape(len(rows["unit_id"].unique()), -1)
