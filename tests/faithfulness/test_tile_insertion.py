"""Insertion of tiles is deletion of the least relevant, read backwards."""

import numpy as np

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.faithfulness.tile_deletion import TileDeletion
from tasks.faithfulness.tile_insertion import TileInsertion
from tests._support.scored_bags import Asked, curves, made_bags, network, values


def test_it_is_the_lerf_curve_backwards_and_costs_nothing_more():
    metrics = (TileDeletion(), TileInsertion())
    model = network(Asked)
    found = evaluate_pairs(model, made_bags(), [("true", each) for each in metrics], EvaluationSettings())
    deleted, inserted = (found["true", each.id] for each in metrics)
    for output in ("margin", "probability"):
        back = curves(deleted, f"lerf_{output}")[:, ::-1]
        assert np.array_equal(curves(inserted, f"insertion_{output}"), back)
    assert np.array_equal(values(inserted, "auc"), values(deleted, "lerf"))
    assert np.array_equal(values(inserted, "auc_probability"), values(deleted, "lerf_probability"))
    assert inserted.measures["plan_forward_images"] == deleted.info.passes["forward"]
    fractions = inserted.curves.loc[inserted.curves["curve"] == "insertion_margin", "fraction"]
    np.testing.assert_allclose(fractions[:33], np.linspace(0, 1, 33))
