"""Metrics that read the same curve ask about it once."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.evidence.sources import EvidenceError
from tasks.faithfulness import _removal_curves
from tasks.faithfulness._outputs import outputs, rounding_of
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.erasure import Erasure
from tasks.faithfulness.insertion import Insertion
from tasks.faithfulness.monotonicity import Monotonicity
from tasks.faithfulness.region_deletion import RegionDeletion
from tasks.faithfulness.road import Road
from tests._support.linear_removal import (
    WEIGHT,
    curve,
    flat,
    images_of,
    passes,
    scored,
    shuffled,
    target_rows,
    values,
    worth,
)
from tests._support.small_networks import LinearNetwork

STEPS = 4
TUMOUR = 8
"""Tiles of the class among 20."""

READERS = (Deletion, Insertion, Erasure, Monotonicity)
SHARED = {"fill": "white", "steps": STEPS}


def test_one_more_metric_costs_nothing(tmp_path):
    found = scored(tmp_path, {"m": worth()}, [reader(**SHARED) for reader in READERS], count=20)
    assert passes(found) == TUMOUR * (2 + 2 * (STEPS - 1))
    spent = {metric: result.info.passes["forward"] for (_, metric), result in found.items()}
    alone = {"deletion": 2, "insertion": 1, "erasure": 2, "monotonicity": 1}
    assert spent == {metric: TUMOUR * (2 + lines * (STEPS - 1)) for metric, lines in alone.items()}


def test_one_more_map_costs_its_own_steps_and_no_second_end(tmp_path):
    draws = {"one": worth(), "two": flat}
    found = scored(tmp_path, draws, [reader(**SHARED) for reader in READERS], count=20)
    assert passes(found) == TUMOUR * (2 + 2 * 2 * (STEPS - 1))


def test_the_ranking_is_made_once_for_all_that_read_it(tmp_path, monkeypatch):
    made = []
    ranks = _removal_curves.descending_ranks
    monkeypatch.setattr(_removal_curves, "descending_ranks", lambda *given: made.append(1) or ranks(*given))
    scored(tmp_path, {"m": worth()}, [reader(**SHARED) for reader in READERS], count=20)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("other", "more"),
    [
        ({"output": "logit"}, 0),
        ({"blur_px": 3.0}, 0),
        ({"follows": "predicted"}, 0),
        ({"seed": 1}, 2 * (STEPS - 1)),
        ({"ranked_by": "signed"}, 2 * (STEPS - 1)),
        ({"steps": STEPS + 1}, 2 * STEPS),
        ({"fill": "blur"}, 2 * (STEPS - 1) + 1),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_only_what_changes_an_image_costs_images(tmp_path, other, more):
    metrics = [Deletion(**SHARED), Erasure(**{**SHARED, **other})]
    found = scored(tmp_path, {"m": worth()}, metrics, count=20)
    assert passes(found) == TUMOUR * (2 + 2 * (STEPS - 1) + more)


def test_another_blur_is_another_fill(tmp_path):
    metrics = [Insertion(steps=STEPS, blur_px=px, id=f"insertion_{px}") for px in (1, 2)]
    found = scored(tmp_path, {"m": worth()}, metrics, count=20)
    assert passes(found) == TUMOUR * (1 + 2 * STEPS)


def test_regions_share_the_ends_of_pixels_and_nothing_between(tmp_path):
    metrics = [
        Deletion(**SHARED),
        RegionDeletion(**SHARED, id="squares"),
        RegionDeletion(**SHARED, id="larger", region_px=4),
        RegionDeletion(**SHARED, id="superpixels", regions="superpixels"),
    ]
    found = scored(tmp_path, {"m": worth()}, metrics, count=20)
    assert passes(found) == TUMOUR * (2 + 4 * 2 * (STEPS - 1))


def test_ties_are_broken_alike_for_every_explainer(tmp_path):
    draws = {"one": flat, "two": lambda tiles: flat(tiles) + 5}
    found = scored(tmp_path, draws, [Deletion(), Insertion(), Erasure()], count=20)
    for metric in ("deletion", "insertion", "erasure"):
        assert found["one", metric].scores.equals(found["two", metric].scores)
        assert found["one", metric].scores["value"].nunique() > 1


def test_what_is_read_from_shared_images_is_what_each_reads_alone(tmp_path):
    metrics = [reader(**SHARED) for reader in READERS]
    together = scored(tmp_path / "all", {"m": worth()}, metrics, count=20)
    for metric in metrics:
        alone = scored(tmp_path / metric.id, {"m": worth()}, [metric], count=20)["m", metric.id]
        assert alone.scores.equals(together["m", metric.id].scores)
        assert alone.curves.equals(together["m", metric.id].curves)


def test_where_steps_do_not_divide_the_pixels_the_axis_says_how_many_went(tmp_path):
    """256 pixels in 3 steps: 85 and 171 go; put back in reverse, 85 and 171 are in."""
    metrics = [Deletion(steps=3, ranked_by="signed"), Insertion(steps=3, ranked_by="signed", fill="white")]
    found = scored(tmp_path, {"m": worth()}, metrics, count=20)
    removed = found["m", "deletion"].curves["fraction"].unique()
    inserted = found["m", "insertion"].curves["fraction"].unique()
    np.testing.assert_allclose(removed * 256, [0, 85, 171, 256], atol=1e-9)
    np.testing.assert_allclose(inserted * 256, [0, 85, 171, 256], atol=1e-9)
    back = curve(found["m", "insertion"], "insertion_margin")
    assert (back == curve(found["m", "deletion"], "lerf_margin")[:, ::-1]).all()


FIRST_CURVE = {Deletion: "morf", Insertion: "insertion", Erasure: "sufficiency", Monotonicity: "ascending"}


@pytest.mark.parametrize("reader", READERS)
def test_following_the_prediction_turns_the_curves_of_tiles_called_normal(tmp_path, reader):
    """Of two classes one's probability falls by what the other's rises."""
    asked = [reader(labels="all", follows=whose, id=whose, steps=STEPS) for whose in ("target", "predicted")]
    found = scored(tmp_path, {"m": worth()}, asked, LinearNetwork(WEIGHT - WEIGHT.mean()), count=20)
    tiles, _ = target_rows(tmp_path)
    normal = ((WEIGHT - WEIGHT.mean()).double() * images_of(tiles)).sum((1, 2, 3)).numpy() < 0
    assert 0 < normal.sum() < len(normal)
    name = f"{FIRST_CURVE[reader]}_probability"
    target, predicted = (np.diff(curve(found["m", metric.id], name)) for metric in asked)
    np.testing.assert_allclose(predicted[normal], -target[normal], atol=1e-12)
    assert (predicted[~normal] == target[~normal]).all()
    assert "class predicted" in " ".join(info.meaning for info in found["m", "predicted"].info.scores)


@pytest.mark.parametrize("reader", READERS)
def test_a_signed_map_is_turned_where_the_other_class_is_predicted_and_followed(tmp_path, reader):
    """It scores as the negative map whose target is that class. Any map will do: here one that is wrong."""
    weight = WEIGHT - WEIGHT.mean()
    wrong = shuffled(worth(weight=weight))
    draws = {"map": wrong, "negative": lambda tiles: -wrong(tiles)}
    asked = [
        reader(labels="all", follows=whose, id=whose, steps=STEPS, ranked_by="signed", output="margin")
        for whose in ("target", "predicted")
    ]
    found = scored(tmp_path, draws, asked, LinearNetwork(weight), count=20)
    swapped = scored(tmp_path / "swapped", draws, asked, LinearNetwork(-weight), count=20)
    tiles, _ = target_rows(tmp_path)
    normal = (weight.double() * images_of(tiles)).sum((1, 2, 3)).numpy() < 0
    assert 0 < normal.sum() < len(normal)
    moved = []
    for name in (info.name for info in asked[0].score_infos()):
        followed, kept = (values(found["map", metric.id], name) for metric in asked[::-1])
        assert (followed[~normal] == kept[~normal]).all()
        expected = values(swapped["negative", "target"], name)[normal]
        np.testing.assert_allclose(followed[normal], expected, rtol=1e-6, atol=1e-6)
        moved.append(abs(followed[normal] - kept[normal]).max())
    # The gap of two classes is the same either way; the areas are not.
    assert max(moved) > 0.01


@pytest.mark.parametrize("reader", [*READERS, Road])
def test_the_sign_of_a_map_says_nothing_of_the_predicted_one_of_three_classes(reader):
    metric = reader(follows="predicted")
    for kind in ("contribution", "sensitivity"):
        assert metric.for_maps(kind, 2).turns == (kind == "contribution")
    assert not metric.for_maps("sensitivity", 3).turns
    with pytest.raises(EvidenceError, match="predicted class of 3 classes"):
        metric.for_maps("contribution", 3)


@pytest.mark.parametrize("reader", [*READERS, RegionDeletion])
@pytest.mark.parametrize("wrong", [{"steps": 1}, {"fill": "black"}, {"output": "loss"}, {"blur_px": 0}])
def test_wrong_settings_are_refused(reader, wrong):
    with pytest.raises(ValidationError):
        reader(**wrong)


def test_rounding_is_a_part_of_the_largest_logit_and_less_where_a_probability_is_near_its_end():
    logits = torch.tensor([[[0.0, 8.0]], [[0.0, -10.0]], [[0.0, 2.0]]])
    classes = torch.tensor([1])
    for output in ("margin", "logit"):
        rounding = rounding_of(logits, outputs(logits, classes)[output], output)
        assert rounding.tolist() == pytest.approx([1e-5])
    traced = outputs(logits, classes)["probability"]
    slope = 1 / (2 + np.exp(2.0) + np.exp(-2.0))
    assert rounding_of(logits, traced, "probability").tolist() == pytest.approx([1e-5 * slope])
