"""Whole bags explained from disk: together or alone, and after a kill."""

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.artifacts.feature_set import FEATURES, TILES, FeatureSet
from tasks.artifacts.payload import content_digest, list_payload
from tasks.artifacts.tile_scores import TileScores
from tasks.explainers.attention import CLASS_FREE, Attention
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explainers.contribution import Contribution
from tasks.explainers.darkness import Darkness
from tasks.explainers.drop_one import DropOne
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explaining import bag_groups
from tasks.explaining.bag_groups import grouped
from tasks.explaining.bags import EMPTY, BagSettings, explain_bags
from tasks.explaining.reference_bags import MOST_SLIDES, chosen_slides, reference_bags
from tasks.functional.gradients import target_margin
from tasks.functional.tile_keys import tile_keys
from tests._support.bags import bag_network
from tests._support.feature_sets import make_feature_set
from tests._support.small_networks import state_of

COUNTS = {"s0": 12, "s1": 5, "s2": 1, "s3": 30, "s4": 12}
TARGET = torch.tensor([1])


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return {
        name: make_feature_set(folder / name, name, f"p_{name}", "test", ("normal", "tumour")[n % 2], tiles)
        for n, (name, tiles) in enumerate(COUNTS.items())
    }


def run(folder, sets, explainer: Explainer, model="abmil", advance=lambda done: None) -> TileScores:
    out, work = folder / "out", folder / "work"
    for each in (out, work):
        each.mkdir(parents=True, exist_ok=True)
    network = None if explainer.blind else bag_network(model)
    explain_bags(network, sets, explainer, BagSettings(target=1), out, work, advance)
    assert not list(work.iterdir())
    return TileScores(out)


def alone(features: FeatureSet, explainer: Explainer, model="abmil") -> np.ndarray:
    bag = bag_groups.read_bags([features]).on(torch.device("cpu"))
    return explainer(bag_network(model), bag, TARGET, tile_keys([features.facts.slide_id]))[0].numpy()


@pytest.mark.parametrize("explainer", [Contribution(), SmoothGrad(samples=2), Darkness()])
def test_every_slide_has_the_scores_that_it_has_alone(tmp_path, sets, explainer):
    found = run(tmp_path, sets, explainer)
    assert found.slides == list(sets)
    for name, features in sets.items():
        np.testing.assert_allclose(found.values(name), alone(features, explainer), rtol=1e-5, atol=1e-6)
        assert found.table(name)["tile_id"].tolist() == features.tile_ids


def test_the_index_says_what_the_model_answers_and_what_is_missing(tmp_path, sets):
    model, index = bag_network(), run(tmp_path, sets, Contribution()).index
    assert index["tiles"].tolist() == list(COUNTS.values())
    for number, features in enumerate(sets.values()):
        bag = bag_groups.read_bags([features]).on(torch.device("cpu"))
        with torch.no_grad():
            logits = model.eval()(bag.features, bag.mask)
            empty = model(bag.features, bag.mask & False)
        row = index.iloc[number]
        np.testing.assert_allclose([row["logit_0"], row["logit_1"]], logits[0], atol=1e-5)
        promised = float(target_margin(logits, TARGET) - target_margin(empty, TARGET))
        assert row["score_sum"] == pytest.approx(promised, abs=1e-5)
        assert abs(row["completeness_error"]) < 1e-5
        assert row["note"] == ""
        assert row["target"] == 1


def test_what_has_no_values_has_a_reason(tmp_path, sets):
    found = run(tmp_path, sets, DropOne())
    assert np.isnan(found.values("s2")).all()
    assert "one tile" in found.index.set_index("slide_id")["note"]["s2"]
    assert found.index["score_sum"].isna().tolist() == [False, False, True, False, False]
    assert found.notes == (
        "No values on 1 of 5 slides: the bag has one tile, and without it nothing is left to compare with.",
    )


def test_features_without_pixels_have_no_darkness(tmp_path, sets):
    folder = tmp_path / "imported"
    features = make_feature_set(folder, "s9", "p9", "test", "normal", 4)
    pd.read_parquet(folder / TILES).assign(darkness=np.nan).to_parquet(folder / TILES, index=False)
    found = run(tmp_path, {**sets, "s9": features}, Darkness())
    assert np.isnan(found.values("s9")).all()
    assert np.isfinite(found.values("s0")).all()
    assert found.notes == ("No values on 1 of 6 slides: darkness not known of every tile.",)
    assert found.logits.shape == (6, 0)


def test_a_slide_without_tiles_has_a_row_and_no_values(tmp_path, sets):
    nothing = make_feature_set(tmp_path / "none", "s8", "p8", "test", "normal", 0)
    for explainer in (Contribution(), IntegratedGradients(steps=2), DropOne(), Darkness()):
        found = run(tmp_path / explainer.id, {"s8": nothing, "s0": sets["s0"]}, explainer)
        assert found.index["note"].tolist() == [EMPTY, ""]
        assert len(found.values("s8")) == 0
        assert len(found.values("s0")) == 12


def test_attention_says_that_it_is_of_no_class(tmp_path, sets):
    assert run(tmp_path, sets, Attention(), "transformer").notes == (CLASS_FREE,)


class KilledError(Exception):
    """Stands for a kill."""


def test_a_killed_run_goes_on_with_the_next_group_and_ends_with_the_same_bytes(tmp_path, sets, monkeypatch):
    monkeypatch.setattr(bag_groups, "TOGETHER", 24)
    explainer = IntegratedGradients(steps=3)
    run(tmp_path / "whole", sets, explainer)
    seen = []

    def killed(done: int) -> None:
        seen.append(done)
        if sum(seen) >= 3:
            raise KilledError

    with pytest.raises(KilledError):
        run(tmp_path / "killed", sets, explainer, advance=killed)
    kept = len(list((tmp_path / "killed" / "work").glob("group_*.npz")))
    assert kept == 2
    (tmp_path / "killed" / "work" / "group_000002.draft").write_bytes(b"torn")
    again = []
    out, work = tmp_path / "killed" / "out", tmp_path / "killed" / "work"
    explain_bags(bag_network(), sets, explainer, BagSettings(target=1), out, work, again.append)
    assert again[0] == sum(seen)
    assert sum(again) == len(sets)
    digests = [content_digest(list_payload(tmp_path / name / "out")) for name in ("whole", "killed")]
    assert digests[0] == digests[1]


def test_the_model_is_left_as_found(tmp_path, sets):
    network = bag_network()
    before = state_of(network)
    for each in ("out", "work"):
        (tmp_path / each).mkdir()
    explain_bags(
        network, sets, SmoothGrad(samples=2), BagSettings(target=1), tmp_path / "out", tmp_path / "work"
    )
    assert state_of(network) == before


def test_bags_of_about_one_size_go_together():
    counts = [40] * 300 + [9000, 0, 7]
    groups = grouped(counts)
    assert sorted(position for group in groups for position in group) == list(range(303))
    for group in groups:
        longest = max(counts[position] for position in group)
        assert len(group) == 1 or len(group) * longest <= bag_groups.TOGETHER
    assert len(groups) <= 4
    assert [302 - 2] in groups, "the large bag goes alone"


def test_a_model_is_needed_and_values_are_checked(tmp_path, sets):
    with pytest.raises(ExplanationError, match="'contribution' explains a model, and none"):
        explain_bags(None, sets, Contribution(), BagSettings(1), tmp_path, tmp_path)
    network = bag_network()
    with torch.no_grad():
        network.network.head.weight.fill_(float("inf"))
    with pytest.raises(ExplanationError, match=r"scores of .* slides are not finite, first of s"):
        explain_bags(network, sets, Contribution(), BagSettings(1), tmp_path, tmp_path)


def test_references_are_some_tiles_of_some_slides(tmp_path, sets):
    bags = reference_bags(list(sets.values()), torch.device("cpu"))
    assert bags.mask.sum(1).tolist() == list(COUNTS.values())
    large = make_feature_set(tmp_path / "large", "s7", "p7", "train", "normal", 700)
    some = reference_bags([large], torch.device("cpu"))
    assert some.mask.sum() == 256
    own = {tuple(row) for row in large.features().tolist()}
    assert all(tuple(row) in own for row in some.features[0].tolist())
    names = [f"slide_{number}" for number in range(100)]
    assert len(chosen_slides(names)) == MOST_SLIDES
    assert chosen_slides(names[::-1]) == chosen_slides(names)
    nothing = make_feature_set(tmp_path / "none", "s8", "p8", "train", "normal", 0)
    with pytest.raises(ExplanationError, match="none of the 1 reference slides has tiles"):
        reference_bags([nothing], torch.device("cpu"))
    assert (large.folder / FEATURES).is_file()


def test_reference_bags_are_measured_for_completeness(tmp_path, sets):
    explainer = IntegratedGradients(steps=32, bag_baseline="reference_bags", bag_draws=3)
    explainer = explainer.with_references(reference_bags([sets["s3"]], torch.device("cpu")))
    index = run(tmp_path, sets, explainer).index
    assert index["completeness_error"].abs().max() < 0.02 * index["score_sum"].abs().max()
