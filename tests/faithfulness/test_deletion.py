"""Deletion on linear models, where every curve is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.artifacts.tile_set import TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.deletion import Deletion
from tasks.functional.fills import filled
from tasks.functional.pixels import to_images
from tests._support.attribution_sets import maps_of
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set

WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.05


def signed(**settings) -> Deletion:
    return Deletion(ranked_by="signed", **settings)


def images_of(tiles: TileSet) -> np.ndarray:
    return to_images(tiles.pixels[tiles.usable], torch.device("cpu")).double().numpy()


def removed(tiles: TileSet, fill: float = 1.0) -> np.ndarray:
    """What the margin loses with each pixel, [N, H, W]: weight x (image - fill), summed over channels."""
    return (WEIGHT.double().numpy() * (images_of(tiles) - fill)).sum(1)


def score(
    folder: Path, draws: dict, metric: Deletion, count: int = 40, weight: torch.Tensor = WEIGHT
) -> dict[str, MetricResult]:
    tiles = make_tile_set(folder / "tiles", "s1", "p1", "test", count)
    sets = {name: maps_of(folder / name, [tiles], draw) for name, draw in draws.items()}
    evidence = Evidence([tiles], sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity"))
    model = LinearNetwork(weight)
    found = evaluate_pairs(model, evidence, [(name, metric) for name in draws], EvaluationSettings(16))
    return {name: found[name, metric.id] for name in draws}


def curve(result: MetricResult, name: str) -> np.ndarray:
    rows = result.curves[result.curves["curve"] == name]
    return rows["value"].to_numpy().reshape(-1, rows["fraction"].nunique())


def mean(result: MetricResult, name: str) -> float:
    return float(result.scores.loc[result.scores["score"] == name, "value"].mean())


def test_the_curves_of_a_linear_model_are_the_sums_of_what_is_left(tmp_path):
    result = score(tmp_path, {"true": removed}, signed(steps=8, output="margin"))["true"]
    tiles = TileSet(tmp_path / "tiles")
    target = (tiles.table["label"] == "tumour").to_numpy()
    clean = (WEIGHT.double().numpy() * images_of(tiles)).sum((1, 2, 3))[target]
    parts = -np.sort(-removed(tiles)[target].reshape(target.sum(), -1), axis=1)
    gone = np.arange(9) * 32
    morf = clean[:, None] - np.pad(parts.cumsum(1), ((0, 0), (1, 0)))[:, gone]
    lerf = clean[:, None] - np.pad(parts[:, ::-1].cumsum(1), ((0, 0), (1, 0)))[:, gone]
    np.testing.assert_allclose(curve(result, "morf_margin"), morf, atol=1e-4)
    np.testing.assert_allclose(curve(result, "lerf_margin"), lerf, atol=1e-4)
    probability = 1 / (1 + np.exp(-morf))
    np.testing.assert_allclose(curve(result, "morf_probability"), probability, atol=1e-5)
    np.testing.assert_allclose(curve(result, "morf_logit"), morf, atol=1e-4)
    area = np.trapezoid(lerf - morf, dx=1 / 8, axis=1)
    values = result.scores[result.scores["score"] == "gap"]["value"]
    np.testing.assert_allclose(values, area, atol=1e-4)


@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
@pytest.mark.parametrize("output", ["probability", "margin", "logit"])
def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path, fill, output):
    def shuffled(tiles: TileSet) -> np.ndarray:
        flat = removed(tiles).reshape(len(tiles.usable), -1)
        return np.random.default_rng(0).permuted(flat, axis=1).reshape(-1, 16, 16)

    draws = {"true": removed, "shuffled": shuffled, "reversed": lambda tiles: -removed(tiles)}
    if fill != "white":
        # What a pixel is worth depends on the fill; weight x (image - fill) needs the fill of the tile.
        draws["true"], draws["reversed"] = fill_map(fill, 1.0), fill_map(fill, -1.0)
    found = score(tmp_path, draws, signed(fill=fill, output=output, blur_px=2.0))
    gaps = [mean(found[name], "gap") for name in ("true", "shuffled", "reversed")]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[0] == pytest.approx(-gaps[2], rel=1e-5)
    assert abs(gaps[1]) < 0.1 * gaps[0]


def fill_map(fill: str, sign: float):
    def draw(tiles: TileSet) -> np.ndarray:
        colour = torch.from_numpy(tiles.pixels[tiles.usable].reshape(-1, 3).mean(0) / 255.0)
        images = torch.from_numpy(images_of(tiles))
        return sign * (WEIGHT.double() * (images - filled(fill, images, colour, 2.0))).sum(1).numpy()

    return draw


def test_the_gap_is_the_difference_of_the_areas_and_probabilities_stay_in_the_unit_interval(tmp_path):
    table = score(tmp_path, {"true": removed}, signed())["true"].scores
    wide = table.pivot(index="unit_id", columns="score", values="value")
    np.testing.assert_allclose(wide["gap"], wide["lerf"] - wide["morf"])
    assert wide[["morf", "lerf"]].to_numpy().min() >= 0
    assert wide[["morf", "lerf"]].to_numpy().max() <= 1
    assert set(table.loc[table["score"] == "gap", "chance"]) == {0.0}


def test_the_area_does_not_grow_with_the_steps(tmp_path):
    few = score(tmp_path / "few", {"true": removed}, signed(steps=8, output="margin"))["true"]
    many = score(tmp_path / "many", {"true": removed}, signed(steps=64, output="margin"))["true"]
    assert mean(few, "gap") == pytest.approx(mean(many, "gap"), rel=0.05)


def test_a_constant_map_scores_as_chance_and_so_does_a_map_of_ties(tmp_path):
    """Unstable or spatial tie breaking would flip the tile row by row, and the gap would show it."""
    ramp = torch.linspace(-1, 1, 256).view(1, 16, 16).expand(3, -1, -1) * 0.02
    tiles = make_tile_set(tmp_path / "tiles", "s1", "p1", "test", 300)
    sets = {"flat": maps_of(tmp_path / "flat", [tiles], lambda t: np.zeros((len(t.usable), 16, 16)))}
    evidence = Evidence([tiles], sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity"))
    metric = signed(output="margin", fill="mean_tissue")
    result = evaluate_pairs(LinearNetwork(ramp), evidence, [("flat", metric)], EvaluationSettings())
    gaps = result["flat", "deletion"].scores.query("score == 'gap'")["value"]
    assert abs(gaps.mean()) < 4 * gaps.std() / len(gaps) ** 0.5


def test_both_curves_start_and_end_together(tmp_path):
    result = score(tmp_path, {"true": removed}, signed())["true"]
    morf, lerf = curve(result, "morf_margin"), curve(result, "lerf_margin")
    assert (morf[:, [0, -1]] == lerf[:, [0, -1]]).all()
    assert result.curves["fraction"].min() == 0
    assert result.curves["fraction"].max() == 1


def test_the_seed_decides_ties_alone(tmp_path):
    flat = {"flat": lambda tiles: np.zeros((len(tiles.usable), 16, 16))}
    one, other = (score(tmp_path / str(s), flat, signed(seed=s))["flat"].scores for s in (0, 1))
    assert not one["value"].equals(other["value"])
    true = [score(tmp_path / f"t{s}", {"t": removed}, signed(seed=s))["t"].scores for s in (0, 1)]
    assert true[0].equals(true[1])


def test_magnitudes_are_ranked_unless_the_sign_is_asked_for(tmp_path):
    draws = {"signed": removed, "magnitude": lambda tiles: -abs(removed(tiles))}
    plain = score(tmp_path / "plain", draws, Deletion(steps=8))
    assert plain["signed"].scores.equals(plain["magnitude"].scores)
    kept = score(tmp_path / "kept", draws, signed(steps=8))
    assert mean(kept["signed"], "gap") > mean(plain["signed"], "gap")
    assert mean(kept["magnitude"], "gap") == pytest.approx(-mean(plain["magnitude"], "gap"))


@pytest.mark.parametrize("wrong", [{"steps": 1}, {"fill": "black"}, {"output": "loss"}, {"blur_px": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        Deletion(**wrong)


def test_following_the_prediction_asks_of_a_normal_tile_what_holds_up_normal(tmp_path):
    """On tiles below the boundary the target's curve is the mirror of the prediction's; above, the same."""
    draws, weight = {"true": removed}, WEIGHT - WEIGHT.mean()
    metric = Deletion(steps=8, labels="all")
    follower = Deletion(steps=8, labels="all", follows="predicted")
    target = score(tmp_path / "t", draws, metric, weight=weight)["true"]
    found = score(tmp_path / "p", draws, follower, weight=weight)["true"]
    normal = curve(target, "morf_probability")[:, 0] < 0.5
    assert 0 < normal.sum() < len(normal)
    for name in ("morf_probability", "lerf_probability"):
        mirrored, kept = curve(target, name), curve(found, name)
        np.testing.assert_allclose(kept[normal], 1 - mirrored[normal], atol=1e-12)
        assert (kept[~normal] == mirrored[~normal]).all()
