"""Maps of somebody's slide model on somebody's features, scored in memory."""

import numpy as np
import pytest
import torch

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.faithfulness.tile_deletion import TileDeletion
from tasks.scoring.bags.evaluate import evaluate_bags
from tasks.scoring.errors import NetworkWarning, ScoringError
from tests._support.brought_bags import OneBag, Probable, features, places, true_maps
from tests._support.scored_bags import Asked, Doubled, made_bags, network

BAGS = features()
TRUE = true_maps(OneBag(), BAGS)
NOISE = {name: np.random.default_rng(len(bag)).normal(size=len(bag)) for name, bag in BAGS.items()}
FEW = [{"name": "tile_deletion", "random_orders": 4, "steps": 8}, "tile_localisation"]


def test_given_maps_stand_beside_controls_and_both_axes_are_asked():
    classes = {name: np.where(each > 0, "tumour", "normal").tolist() for name, each in TRUE.items()}
    table = evaluate_bags(
        OneBag(),
        BAGS,
        1,
        attributions={"mine": TRUE, "noise": NOISE},
        kinds="contribution",
        metrics=FEW,
        classes=("normal", "tumour"),
        patients={name: name for name in BAGS},
        coordinates={name: places(len(bag)) for name, bag in BAGS.items()},
        darkness=NOISE,
        tile_labels=classes,
    )
    means = table.means.set_index(["explainer", "metric", "score"])
    assert table.controls == ("random_map", "centre_distance", "darkness")
    assert means.loc[("mine", "tile_deletion", "srg"), "low"] > 0
    assert means.loc[("mine", "tile_deletion", "srg"), "flag"] == ""
    assert "not told apart" in means.loc[("noise", "tile_deletion", "srg"), "flag"]
    assert means.loc[("mine", "tile_localisation", "auroc"), "mean"] == 1
    # A bag of one tile has no other kind of tile, and a curve all the same.
    assert means.loc[("mine", "tile_localisation", "auroc"), "scored"] == len(BAGS) - 1
    assert means.loc[("mine", "tile_deletion", "srg"), "scored"] == len(BAGS)
    page = table.to_markdown()
    assert "clustered by patient (8)" in page
    assert "| slides |" in page
    assert "Slides through networks" in page


def test_explainers_make_the_maps_and_what_is_not_known_is_left_out():
    table = evaluate_bags(OneBag(), BAGS, 1, explainers={"keep": "keep_one"}, metrics=FEW)
    assert table.controls == ("random_map",)
    left_out = [note for note in table.notes if "is left out" in note]
    assert [note.split()[1] for note in left_out] == ["centre_distance", "darkness"]
    assert any("asked about one tile of zeros" in note for note in table.notes)
    assert table.excluded.query("metric == 'tile_localisation'")["images"].tolist() == [8, 8]
    assert table.passes["forward"] == table.passes["minimum_forward"]


def test_a_network_that_says_its_terms_gives_the_numbers_of_the_plan():
    bags = made_bags()
    arrays = dict(zip(bags.table["slide_id"], bags.features, strict=True))
    maps = dict(zip(bags.table["slide_id"], bags.attributions["true"], strict=True))
    results = [
        evaluate_bags(
            network(kind),
            arrays,
            attributions={"m": maps},
            kinds="contribution",
            metrics=["tile_deletion"],
            controls=(),
            takes="bags",
        )
        for kind in (Doubled, Asked)
    ]
    wanted = [("true", TileDeletion())]
    own = evaluate_pairs(network(), bags, wanted, EvaluationSettings())["true", "tile_deletion"].scores
    for table in results:
        found = table.scores.query("score == 'srg'")["value"].to_numpy()
        np.testing.assert_allclose(found, own.query("score == 'srg'")["value"], atol=1e-6)
    closed, asked = (table.passes["forward"] for table in results)
    assert closed == len(arrays) < asked


def test_the_model_and_the_features_are_left_as_found():
    model, before = OneBag().train(), {name: bag.copy() for name, bag in BAGS.items()}
    evaluate_bags(model, BAGS, explainers={"g": "gradient_x_input"}, metrics=FEW, controls=())
    assert model.training
    assert all(np.array_equal(before[name], bag) for name, bag in BAGS.items())
    assert all(weight.grad is None for weight in model.parameters())


def test_probabilities_are_warned_about():
    with pytest.warns(NetworkWarning, match="look like probabilities"):
        evaluate_bags(Probable(), BAGS, explainers={"k": "keep_one"}, metrics=FEW, controls=())


def test_metrics_of_pixels_are_not_available():
    table = evaluate_bags(
        OneBag(), BAGS, explainers={"k": "keep_one"}, metrics=["deletion", "gini"], controls=()
    )
    assert table.unavailable == {"deletion": "not available: needs images of tiles"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"attributions": {}}, "no map and no explainer was given"),
        ({"features": {}}, "no features were given"),
        ({"target": 2}, "target 2 is none of the 2 classes"),
        ({"classes": ("a", "b", "c")}, "3 classes are named, and the model has 2"),
        ({"kinds": None}, "needs to know what the maps say"),
        ({"labels": {"s0": "0"}}, "no slide is labelled '1'"),
        ({"labels": {"s0": "x"}}, "a slide is labelled 'x'"),
        ({"patients": {"s0": "p"}}, "some slides name a patient and some do not"),
        ({"darkness": {"x": [1.0]}}, "darkness are given for slide 'x'"),
        ({"coordinates": {"s0": [[1.0, 2.0]]}}, r"coordinates of 's0' are float64 \[1, 2\]; needed numbers"),
        ({"tile_labels": {"s0": ["1"]}}, "slide 's0' has 1 tile labels and 20 tiles"),
        ({"attributions": {"m": {"x": [1.0]}}}, "hold slide 'x', which has no features"),
        ({"attributions": {"m": {"s0": np.ones(3)}}}, r"of slide 's0' are float64 \[3\]; needed numbers"),
        (
            {"features": {"a": np.ones((2, 3)), "b": np.ones((2, 4))}},
            "3 numbers per tile on slide 'a' and 4",
        ),
        ({"features": {"a": np.ones(3)}}, r"features of 'a' are float64 \[3\]; needed floats"),
        ({"model": torch.nn.Linear(2, 2)}, "does not take a bag"),
        ({"explainers": {"c": "contribution"}}, "needs a slide model that adds up its tiles"),
    ],
)
def test_what_does_not_fit_is_one_sentence(changed, said):
    given = {
        "model": OneBag(),
        "features": BAGS,
        "attributions": {"m": TRUE},
        "kinds": "contribution",
        "metrics": FEW,
        "controls": (),
        **changed,
    }
    with pytest.raises(ScoringError, match=said):
        evaluate_bags(given.pop("model"), given.pop("features"), given.pop("target", 1), **given)
