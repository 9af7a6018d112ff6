"""Marks of tiles: signs and ranks of constructed maps, and slides that cannot be judged."""

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.bag_evidence import BagEvidence
from tasks.evidence.sources import EvidenceError
from tasks.faithfulness.tile_marks import NOT_MARKED, NOTHING_ELSE, TileMarks
from tasks.functional.localisation import roc_auc
from tasks.models.mil.mean_pool import MeanPool

MARKED = (
    np.array([1.0, 0.9, 0.1, 0.0, 0.0], np.float32),
    np.array([0.0, 0.0, 0.0], np.float32),
    np.array([0.8, 0.9], np.float32),
    np.array([0.0, 0.7, 0.6, 0.0], np.float32),
)
VALUES = (
    np.array([-2.0, -1.0, 1.0, 2.0, 4.0], np.float32),
    np.array([1.0, 2.0, 3.0], np.float32),
    np.array([1.0, 2.0], np.float32),
    np.array([5.0, 5.0, 0.0, -2.0], np.float32),
)


def scored(metric: TileMarks, marks=None, batch: int = 8) -> tuple[pd.DataFrame, dict[str, int]]:
    ids = [f"s{number}" for number in range(len(MARKED))]
    source = BagEvidence(
        [np.ones((len(values), 2), np.float32) for values in VALUES],
        pd.DataFrame({"slide_id": ids, "patient_id": ids, "label": "tumour"}),
        {"map": VALUES},
        ("normal", "tumour"),
        1,
        marks={metric.mark: MARKED} if marks is None else marks,
    )
    model = MeanPool().build(dim=2, classes=2, seed=0)
    found = evaluate_pairs(model, source, [("map", metric)], EvaluationSettings(batch=batch))
    result = found["map", metric.id]
    return result.scores.pivot(index="unit_id", columns="score", values="value"), dict(result.info.excluded)


def test_scores_are_those_of_the_marked_tiles():
    scores, excluded = scored(TileMarks())
    assert scores.loc["s0", "mean"] == pytest.approx(-1.5 / 2.0)
    assert scores.loc["s0", "auroc"] == 0
    assert scores.loc["s0", "leads"] == 0
    assert scores.loc["s3", "mean"] == pytest.approx(2.5 / 3.0)
    assert scores.loc["s3", "auroc"] == pytest.approx(roc_auc(VALUES[3], MARKED[3] > 0.5))
    assert scores.loc["s3", "leads"] == 0.5
    assert scores.loc[["s1", "s2"]].isna().all(axis=None)
    assert excluded == {NOT_MARKED: 1, NOTHING_ELSE: 1}


def test_one_bag_at_a_time_gives_the_same():
    together, alone = scored(TileMarks())[0], scored(TileMarks(), batch=1)[0]
    pd.testing.assert_frame_equal(together, alone)


def test_what_the_mark_means_decides_which_way_is_better():
    directions = {mark: TileMarks(mark=mark).score_infos()[1].direction for mark in ("evidence", "decoy")}
    assert directions == {"evidence": "higher", "decoy": "lower"}


def test_a_little_ink_marks_a_tile_where_little_is_asked_for():
    _, excluded = scored(TileMarks(mark="artefact", covered=0.95))
    assert excluded[NOT_MARKED] == 3


def test_a_mark_that_no_slide_has_is_named():
    with pytest.raises(
        EvidenceError, match="'tile_marks' needs the mark 'evidence', which no slide here has"
    ):
        scored(TileMarks(), marks={})


def test_a_map_of_zeros_has_no_sign():
    block = type("Block", (), {})()
    block.marks = {"evidence": torch.tensor([[1.0, 0.0]])}
    block.elements = torch.ones(1, 2, dtype=torch.bool)
    from tasks.faithfulness.base import AttributionBlock

    scores = TileMarks().score_block(block, AttributionBlock("map", torch.zeros(1, 2)), {})
    assert scores.values["mean"].item() == 0
    assert scores.values["auroc"].item() == 0.5
    assert scores.values["leads"].item() == 0.5
