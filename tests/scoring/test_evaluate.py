"""Maps of images in memory: known answers, the same numbers as a study's, and honest counts."""

import numpy as np
import pytest
import torch

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.gini import Gini
from tasks.functional.passes import counted_passes
from tasks.scoring.errors import ScoringError
from tasks.scoring.evaluate import evaluate
from tests._support.attribution_sets import noise, write_maps
from tests._support.small_networks import LinearNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set

SIDE = 8
QUICK = Deletion(steps=4)


def drawn(count=6, side=SIDE, seed=0):
    """Images [N, 3, H, W] in [0, 1] and maps [N, H, W]."""
    generator = np.random.default_rng(seed)
    images = generator.random((count, 3, side, side)).astype(np.float32)
    return images, generator.normal(size=(count, side, side)).astype(np.float32)


def mean_of(table, explainer, metric, score):
    means = table.means
    return means[(means.explainer == explainer) & (means.metric == metric) & (means.score == score)].iloc[0]


def test_on_a_linear_model_the_true_map_beats_the_shuffled_beats_the_reversed():
    """A pixel adds its weight times (pixel - 1) to what white gives: the curve falls along the sorted sum."""
    images, _ = drawn(40)
    weight = torch.from_numpy(np.random.default_rng(1).normal(size=(3, SIDE, SIDE)).astype(np.float32))
    true = (weight.numpy() * (images - 1)).sum(1)
    shuffled = np.random.default_rng(2).permuted(true.reshape(40, -1), axis=1).reshape(true.shape)
    metric = Deletion(output="margin", ranked_by="signed", steps=SIDE * SIDE)
    table = evaluate(
        LinearNetwork(weight),
        images,
        np.ones(40, int),
        attributions={"true": true, "shuffled": shuffled, "reversed": -true},
        kinds="sensitivity",
        metrics=[metric],
    )
    gaps = [mean_of(table, name, "deletion", "gap")["mean"] for name in ("true", "shuffled", "reversed")]
    falling = np.sort(true.reshape(40, -1))[:, ::-1].cumsum(1)
    curve = true.sum((1, 2))[:, None] - np.concatenate([np.zeros((40, 1)), falling], axis=1)
    curve += float(weight.sum())
    area = ((curve[:, 1:] + curve[:, :-1]) / 2).mean()
    assert mean_of(table, "true", "deletion", "morf")["mean"] == pytest.approx(area, rel=1e-4)
    assert gaps[0] == pytest.approx(-gaps[2])
    assert gaps[0] > gaps[1] + 1 > gaps[2] + 2
    assert mean_of(table, "reversed", "deletion", "gap")["flag"] == "behind random_map"
    assert mean_of(table, "true", "deletion", "gap")["flag"] == ""


def test_it_gives_the_numbers_of_a_study_on_the_same_tiles(tmp_path):
    """To the last bit: the same plan, the same keys, the same draws."""
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 30)
    rows = np.flatnonzero((tiles.table["label"] == "tumour").to_numpy())
    stored = write_maps(tmp_path / "m", tiles, noise(tiles))
    metrics = [QUICK, Gini()]
    evidence = Evidence([tiles], {"m": [stored]}, ("normal", "tumour"), 1, kinds={"m": "sensitivity"})
    wanted = [("m", metric) for metric in metrics]
    expected = evaluate_pairs(small_network(), evidence, wanted, EvaluationSettings(batch=16))
    table = evaluate(
        small_network(),
        np.moveaxis(tiles.pixels[rows], 3, 1),
        np.ones(len(rows), int),
        attributions={"m": noise(tiles)[rows]},
        kinds="sensitivity",
        metrics=metrics,
        keys=list(tiles.table["tile_id"].iloc[rows]),
        batch=16,
    )
    for metric in metrics:
        ours, theirs = table.results["m", metric.id].scores, expected["m", metric.id].scores
        columns = ["unit", "unit_id", "score", "value", "chance", "error"]
        assert ours[columns].equals(theirs[columns])
        assert table.results["m", metric.id].info == expected["m", metric.id].info


def test_each_image_is_explained_as_its_own_target():
    images, maps = drawn(6)
    targets = np.array([0, 2, 1, 2, 0, 1])
    model = small_network(classes=3)
    mixed = evaluate(
        model, images, targets, attributions={"m": maps}, kinds="sensitivity", metrics=[QUICK], controls=()
    )
    found = mixed.scores.set_index(["unit_id", "score"])["value"]
    for target in range(3):
        rows = np.flatnonzero(targets == target)
        alone = evaluate(
            model,
            images[rows],
            targets[rows],
            attributions={"m": maps[rows]},
            kinds="sensitivity",
            metrics=[QUICK],
            controls=(),
            keys=[str(row) for row in rows],
        )
        expected = alone.scores.set_index(["unit_id", "score"])["value"]
        assert found[expected.index].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    clean = mixed.curves.query("curve == 'morf_probability' and fraction == 0")["value"]
    with torch.no_grad():
        probabilities = model.eval()(torch.from_numpy(images)).softmax(1)[torch.arange(6), targets]
    assert clean.tolist() == pytest.approx(probabilities.tolist(), abs=1e-6)


def test_floats_are_not_rounded_to_bytes():
    """Half a grey level is seen: weights of a thousand make it a margin of 2."""
    images = np.full((1, 3, SIDE, SIDE), 100 / 255, np.float32)
    images[0, 0, 0, 0] += np.float32(0.002)
    weight = torch.zeros(3, SIDE, SIDE)
    weight[0, 0, 0] = 1000.0
    table = evaluate(
        LinearNetwork(weight),
        images,
        [1],
        attributions={"m": np.arange(SIDE * SIDE).reshape(1, SIDE, SIDE)},
        kinds="sensitivity",
        metrics=[QUICK],
        controls=(),
    )
    clean = table.curves.query("curve == 'morf_margin' and fraction == 0")["value"].iloc[0]
    assert clean == pytest.approx(1000 * (100 / 255 + 0.002), abs=1e-3)


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_neither_batch_nor_order_matters(batch):
    images, maps = drawn(7)
    targets, keys = np.arange(7) % 2, [f"image_{number}" for number in range(7)]
    turn = np.random.default_rng(3).permutation(7)
    given = {"metrics": [QUICK, "gini"], "controls": ["random_map"]}
    whole = evaluate(
        small_network(), images, targets, attributions={"m": maps}, kinds="sensitivity", keys=keys, **given
    )
    turned = evaluate(
        small_network(),
        torch.from_numpy(images[turn]),
        torch.from_numpy(targets[turn]),
        attributions={"m": torch.from_numpy(maps[turn])},
        kinds="sensitivity",
        keys=[keys[place] for place in turn],
        batch=batch,
        **given,
    )
    names = ["explainer", "metric", "unit_id", "score"]
    expected = whole.scores.set_index(names)["value"].sort_index()
    assert turned.scores.set_index(names)["value"].sort_index().to_dict() == pytest.approx(
        expected.to_dict(), abs=1e-5
    )


def test_explainers_make_the_maps_and_may_be_asked_again():
    images, _ = drawn(5)
    model = small_network()
    before = state_of(model)
    with counted_passes(model) as counter:
        table = evaluate(
            model,
            images,
            [0, 1, 0, 1, 1],
            explainers={"mine": "gradient", "soft": {"name": "smoothgrad", "samples": 2, "sigma": 0.1}},
            metrics=[QUICK, {"name": "average_sensitivity", "samples": 3}],
        )
    assert state_of(model) == before
    assert table.unavailable == {}
    assert set(table.means["explainer"]) == {"mine", "soft", "random_map"}
    assert table.controls == ("random_map",)
    assert table.recipes["mine"] == {"name": "gradient", "reduce": "sum"}
    maps = 5 * (1 + 2)
    steps, copies = 5 * (2 + 3 * 2 * 3), 5 * 3 * (1 + 2)
    assert table.passes == {
        "forward": steps + copies,
        "backward": copies,
        "minimum_forward": steps + copies,
        "minimum_backward": copies,
        "explained": 5 * 3 * 3,
        "maps_forward": maps,
        "maps_backward": maps,
    }
    looked_at_first = 3 + 3 + 1
    assert counter.spent.forward == maps + steps + copies + looked_at_first
    assert counter.spent.backward == maps + copies


def test_maps_by_name_are_those_of_the_explainer_itself():
    """The gradient of a linear margin is its weight, whatever the image and the class's sign."""
    images, _ = drawn(4)
    weight = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    map_of_one = weight.sum(0).numpy()
    signs = np.array([1, -1, 1, -1], np.float32)[:, None, None]
    given = {"metrics": [QUICK, "gini"], "controls": ()}
    model, targets = LinearNetwork(weight), [1, 0, 1, 0]
    called = evaluate(model, images, targets, explainers={"m": "gradient"}, **given)
    brought = evaluate(
        model, images, targets, attributions={"m": signs * map_of_one}, kinds="sensitivity", **given
    )
    assert called.scores["value"].tolist() == pytest.approx(brought.scores["value"].tolist(), abs=1e-6)


def test_what_cannot_be_asked_is_said():
    images, maps = drawn(3)
    names = ["gini", "average_sensitivity", "mass_accuracy", "section_auc"]
    table = evaluate(
        small_network(), images, [0, 1, 1], attributions={"m": maps}, kinds="sensitivity", metrics=names
    )
    assert table.unavailable == {
        "average_sensitivity": "not available: needs an explainer",
        "mass_accuracy": "not available: needs the mask 'annotation'",
        "section_auc": "not available: needs slides",
    }
    assert set(table.means["metric"]) == {"gini"}
    nothing = evaluate(
        small_network(), images, [0, 1, 1], attributions={"m": maps}, kinds="sensitivity", metrics=names[1:]
    )
    assert len(nothing.scores) == len(nothing.curves) == len(nothing.means) == 0
    assert nothing.passes["forward"] == 0


def test_masks_belong_to_the_explained_class_also_to_class_0():
    """All the mass on the mask, half of it, none: 1, 1/2, 0; chance is the share of the tissue."""
    images, _ = drawn(3)
    mask = np.zeros((3, SIDE, SIDE), bool)
    mask[:, :, : SIDE // 2] = True
    tissue = np.zeros_like(mask)
    tissue[:, : SIDE // 2] = True
    maps = np.stack([mask[0], np.ones((SIDE, SIDE)), ~mask[0]]).astype(np.float32)
    table = evaluate(
        small_network(),
        images,
        [0, 1, 0],
        attributions={"m": maps},
        kinds="sensitivity",
        metrics=["mass_accuracy", {"name": "mass_accuracy", "id": "on", "mask": "evidence"}],
        masks={"annotation": mask, "evidence": mask & tissue, "tissue": tissue},
        controls=(),
    )
    for metric in ("mass_accuracy", "on"):
        raw = table.results["m", metric].scores.query("score == 'raw'")
        assert raw["value"].tolist() == [1.0, 0.5, 0.0]
        assert raw["chance"].tolist() == [0.5] * 3


def test_an_image_without_a_mask_is_left_out_and_counted():
    images, maps = drawn(3)
    mask = np.zeros((3, SIDE, SIDE), np.uint8)
    mask[0, :2] = 1
    table = evaluate(
        small_network(),
        images,
        [0, 1, 1],
        attributions={"m": maps},
        kinds="sensitivity",
        metrics=["mass_accuracy"],
        masks={"annotation": mask},
        controls=(),
    )
    row = mean_of(table, "m", "mass_accuracy", "raw")
    assert (row["scored"], row["excluded"]) == (1, 2)
    assert table.excluded.to_dict("records") == [
        {"explainer": "m", "metric": "mass_accuracy", "reason": "no mask on the tile's tissue", "images": 2}
    ]


def test_progress_is_told():
    images, maps = drawn(5)
    told: list[int] = []
    evaluate(
        small_network(),
        images,
        np.zeros(5, int),
        attributions={"m": maps},
        kinds="sensitivity",
        metrics=["gini", QUICK],
        advance=told.append,
    )
    assert sum(told) == 5 * 2 * 2


def test_either_maps_or_who_makes_them():
    images, maps = drawn(2)
    with pytest.raises(ScoringError, match="either attributions or explainers"):
        evaluate(small_network(), images, [0, 1], metrics=["gini"])
    with pytest.raises(ScoringError, match="either attributions or explainers"):
        evaluate(
            small_network(),
            images,
            [0, 1],
            attributions={"a": maps},
            kinds="sensitivity",
            explainers={"b": "gradient"},
            metrics=["gini"],
        )
    with pytest.raises(ScoringError, match="no map and no explainer"):
        evaluate(small_network(), images, [0, 1], attributions={}, metrics=["gini"])


def test_nothing_is_computed_before_everything_was_checked():
    """A wrong name at the very end of the call costs no pass."""
    images, maps = drawn(4)
    model = small_network()
    with counted_passes(model) as counter, pytest.raises(ScoringError, match="no 'rando_map'"):
        evaluate(
            model,
            images,
            np.zeros(4, int),
            attributions={"m": maps},
            kinds="sensitivity",
            metrics=["gini"],
            controls=["rando_map"],
        )
    assert counter.spent.forward == 0


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({}, "maps of 'm': metric 'pixel_auc' needs to know what the maps say .* or set ranked_by to"),
        ({"m": "relevance"}, "the kind of 'm' is 'relevance'; allowed: sensitivity, contribution"),
        ({"other": "contribution"}, "a kind is stated for 'other', but no attributions"),
    ],
)
def test_the_kind_of_a_map_is_asked_for_before_anything_is_computed(kinds, said):
    images, maps = drawn(4)
    model = small_network()
    given = {"metrics": ["pixel_auc"], "masks": {"annotation": maps > 0}}
    with counted_passes(model) as counter, pytest.raises(ScoringError, match=said):
        evaluate(model, images, np.ones(4, int), attributions={"m": maps}, kinds=kinds, **given)
    door = 3 + 3 + 1
    assert counter.spent.forward <= door


def test_a_contribution_is_ranked_signed_and_a_sensitivity_by_magnitude():
    """Of the same map, 1 on the mask and -2 off it."""
    images, maps = drawn(4)
    mask = maps > 0
    against = np.where(mask, 1.0, -2.0)
    table = evaluate(
        small_network(),
        images,
        np.ones(4, int),
        attributions={"adds": against, "moves": against},
        kinds={"adds": "contribution", "moves": "sensitivity"},
        metrics=["pixel_auc"],
        masks={"annotation": mask},
        controls=(),
    )
    assert mean_of(table, "adds", "pixel_auc", "auc")["mean"] == 1
    assert mean_of(table, "moves", "pixel_auc", "auc")["mean"] == 0
    assert "signed" in table.results["adds", "pixel_auc"].info.sign
    assert "magnitudes" in table.results["moves", "pixel_auc"].info.sign


def test_what_an_explainer_complains_of_is_one_sentence():
    images, _ = drawn(2)
    linear = LinearNetwork(torch.ones(3, SIDE, SIDE))
    with pytest.raises(ScoringError, match="layer"):
        evaluate(linear, images, [0, 1], explainers={"cam": "grad_cam"}, metrics=["gini"])


def test_a_control_that_holds_an_explainer_is_no_rival_where_the_network_is_in_question():
    images, _ = drawn(3)
    table = evaluate(
        small_network(),
        images,
        [1, 1, 1],
        explainers={"mine": "gradient"},
        controls=["random_map", {"name": "shuffled_map", "base": "gradient"}],
        metrics=["random_logit", "gini"],
    )
    assert (table.controls, table.blind) == (("random_map", "shuffled_map"), ("random_map",))
    rivals = {(m.metric, m.explainer) for m in table.each_mean if m.is_rival}
    assert rivals == {("random_logit", "random_map"), ("gini", "random_map"), ("gini", "shuffled_map")}
    magnitude = mean_of(table, "mine", "random_logit", "magnitude")
    assert magnitude["mean"] == pytest.approx(1), "by construction, with two classes"
    assert magnitude["flag"] == "not told apart from random_map"
