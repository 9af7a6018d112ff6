"""ROAD on linear models: what is asked is checked by a direct solver, and the scores by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from tasks.artifacts.tile_set import TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evaluation.selection import select
from tasks.evidence import fill_pixels
from tasks.evidence.evidence import Evidence
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness.base import AttributionBlock
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.road import Road
from tasks.functional.imputation import imputed
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tests._support.attribution_sets import maps_of
from tests._support.small_networks import LinearNetwork
from tests._support.sparse_imputation import directly
from tests._support.tile_sets import make_tile_set

GENERATOR = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(3, 16, 16, generator=GENERATOR) * 0.2
MAPS = torch.randn(4, 16, 16, generator=GENERATOR)


class Threshold(LinearNetwork):
    """Logits (threshold, sum of weight x image)."""

    def __init__(self, weight: Tensor, threshold: float) -> None:
        super().__init__(weight)
        self.threshold = threshold

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) + torch.tensor([self.threshold, 0.0])


@pytest.fixture
def block(tmp_path) -> TileBlock:
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "test", 4)
    slide = SlideEvidence(tiles, {}, 1, "tumour")
    rows = select(slide, ("all", None))
    images = to_images(tiles.pixels[rows], torch.device("cpu"))
    return TileBlock(slide, rows, images, torch.ones(4, dtype=torch.int64), tile_keys(slide.sample_ids(rows)))


def asked(metric: Road, block: TileBlock, maps: Tensor = MAPS) -> dict[str, Tensor]:
    """Return the changed images [S, n, C, H, W] of each order."""
    _, morf, lerf = metric.for_maps("sensitivity", 2).probes(block, AttributionBlock("e", maps))
    return {"morf": morf.make(slice(0, morf.count)), "lerf": lerf.make(slice(0, lerf.count))}


def without(metric: Road) -> Road:
    return metric.model_copy(update={"noise": 0.0})


def score(
    folder: Path, draws: dict, metric: Road, count: int = 40, weight: Tensor = WEIGHT
) -> dict[str, MetricResult]:
    tiles = make_tile_set(folder / "tiles", "s1", "p1", "test", count)
    sets = {name: maps_of(folder / name, [tiles], draw) for name, draw in draws.items()}
    evidence = Evidence([tiles], sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity"))
    parts = [(name, metric) for name in draws]
    found = evaluate_pairs(LinearNetwork(weight), evidence, parts, EvaluationSettings(16))
    return {name: found[name, metric.id] for name in draws}


def curve(result: MetricResult, name: str) -> np.ndarray:
    rows = result.curves[result.curves["curve"] == name]
    return rows["value"].to_numpy().reshape(-1, rows["fraction"].nunique())


def column(result: MetricResult, name: str, what: str = "value") -> np.ndarray:
    return result.scores.loc[result.scores["score"] == name, what].to_numpy()


def test_the_most_relevant_pixels_are_replaced_by_the_solution_of_their_system(block):
    metric = Road(ranked_by="signed", percentages=(10, 55, 99), noise=0.0)
    order = MAPS.flatten(1).argsort(1, descending=True)
    for name, found in asked(metric, block).items():
        going = order if name == "morf" else order.flip(1)
        for level, count in enumerate((26, 141, 253)):
            for tile in range(4):
                removed = np.zeros(256, dtype=bool)
                removed[going[tile, :count]] = True
                image = block.images[tile].double().numpy()
                exact = directly(image, removed.reshape(16, 16))
                np.testing.assert_allclose(found[level, tile].numpy(), exact, atol=1e-4, rtol=0)
                assert torch.equal(
                    found[level, tile].flatten(1)[:, ~removed], block.images[tile].flatten(1)[:, ~removed]
                )


def test_magnitudes_of_sensitivities_are_ranked_unless_the_sign_is_asked_for(block):
    plain, kept = Road(percentages=(20,)), Road(percentages=(20,), ranked_by="signed")
    assert torch.equal(asked(plain, block)["morf"], asked(plain, block, MAPS.abs())["morf"])
    assert torch.equal(asked(plain, block)["morf"], asked(kept, block, MAPS.abs())["morf"])
    assert not torch.equal(asked(plain, block)["morf"], asked(kept, block)["morf"])


def test_the_noise_is_on_imputed_values_alone_and_equal_for_every_order_level_and_explainer(block):
    metric = Road(ranked_by="signed", noise=0.05)
    other = torch.randn(4, 16, 16, generator=torch.Generator().manual_seed(5))
    pieces = []
    for maps in (MAPS, other):
        noisy, clean = asked(metric, block, maps), asked(without(metric), block, maps)
        pieces += [noisy[order] - clean[order] for order in noisy]
    added = torch.cat(pieces)
    heard = added != 0
    field = torch.where(heard, added, torch.nan).nanmedian(0).values
    torch.testing.assert_close(added[heard], field.expand_as(added)[heard], atol=1e-6, rtol=0)
    assert heard[0].float().mean().item() == pytest.approx(26 / 256)
    assert field.mean().item() == pytest.approx(0, abs=4 * 0.05 / field.numel() ** 0.5)
    assert field.std().item() == pytest.approx(0.05, rel=0.1)
    spread = np.corrcoef(field.flatten(1).numpy())[np.triu_indices(4, 1)]
    assert abs(spread).max() < 4 / 768**0.5


def test_the_seed_and_the_draw_choose_the_noise(block):
    metric = Road(ranked_by="signed", percentages=(50,), draws=2)
    one, other = asked(metric, block)["morf"]
    assert not torch.equal(one, other)
    assert torch.equal(asked(metric.model_copy(update={"draws": 1}), block)["morf"][0], one)
    assert not torch.equal(asked(metric.model_copy(update={"seed": 1}), block)["morf"][0], one)


def test_the_draws_of_a_level_share_its_solution(block, monkeypatch):
    solved = []
    counted = lambda images, *rest: (solved.append(1), imputed(images, *rest))[1]  # noqa: E731
    monkeypatch.setattr(fill_pixels, "imputed", counted)
    metric = Road(percentages=(30, 60), draws=3)
    probe = metric.for_maps("sensitivity", 2).probes(block, AttributionBlock("e", MAPS))[1]
    for step in range(probe.count):
        probe.make(slice(step, step + 1))
    assert len(solved) == 2


@pytest.mark.parametrize("draws", [1, 3])
def test_any_slice_of_the_steps_makes_the_same_images(block, draws):
    metric = Road(percentages=(10, 40, 80), draws=draws)
    probe = metric.for_maps("sensitivity", 2).probes(block, AttributionBlock("e", MAPS))[1]
    assert probe.count == 3 * draws
    whole = probe.make(slice(0, probe.count))
    for width in (1, 2):
        pieces = [probe.make(slice(i, min(i + width, probe.count))) for i in range(0, probe.count, width)]
        torch.testing.assert_close(torch.cat(pieces), whole, atol=2e-6, rtol=0)


def test_curves_and_areas_are_those_of_the_images_that_were_asked_about(tmp_path):
    metric = Road(ranked_by="signed", output="margin", labels="all", percentages=(25, 50, 75))
    result = score(tmp_path, {"e": lambda _: MAPS.numpy()}, metric, count=4)["e"]
    slide = SlideEvidence(TileSet(tmp_path / "tiles"), {}, 1, "tumour")
    rows = select(slide, ("all", None))
    images = to_images(slide.tiles.pixels[rows], torch.device("cpu"))
    block = TileBlock(
        slide, rows, images, torch.ones(4, dtype=torch.int64), tile_keys(slide.sample_ids(rows))
    )
    areas, hits = {}, {}
    for order, changed in asked(metric, block).items():
        margin = torch.cat([images[None], changed]).double().mul(WEIGHT).sum((2, 3, 4)).T.numpy()
        np.testing.assert_allclose(curve(result, f"{order}_margin"), margin, atol=1e-4)
        np.testing.assert_allclose(curve(result, f"{order}_logit"), margin, atol=1e-4)
        np.testing.assert_allclose(
            curve(result, f"{order}_probability"), 1 / (1 + np.exp(-margin)), atol=1e-5
        )
        assert (curve(result, f"{order}_accuracy") == (margin > 0)).all()
        areas[order] = (margin[:, 0] / 2 + margin[:, 1] + margin[:, 2] + margin[:, 3] / 2) / 3
        right = margin > 0
        hits[order] = (right[:, 0] / 2 + right[:, 1] + right[:, 2] + right[:, 3] / 2) / 3
        np.testing.assert_allclose(column(result, order), areas[order], atol=1e-4)
        np.testing.assert_allclose(column(result, f"{order}_accuracy"), hits[order], atol=1e-12)
    np.testing.assert_allclose(column(result, "gap"), areas["lerf"] - areas["morf"], atol=1e-4)
    np.testing.assert_allclose(column(result, "accuracy_gap"), hits["lerf"] - hits["morf"], atol=1e-12)
    assert result.curves["fraction"].unique().tolist() == [0.0, 0.25, 0.5, 0.75]
    for name in ("gap", "accuracy_gap"):
        assert (column(result, name, "chance") == 0).all()


def test_the_accuracy_curve_is_the_share_of_tiles_that_are_still_told_rightly(tmp_path):
    """A detector of darkness loses the tumour tiles as soon as the nucleus is imputed from around it."""
    weight = torch.full((3, 16, 16), -0.05)

    def darkness(tiles: TileSet) -> np.ndarray:
        return 1 - tiles.pixels[tiles.usable].mean(3) / 255

    tiles = make_tile_set(tmp_path / "look", "s1", "p1", "test", 40)
    sums = -0.05 * (tiles.pixels[tiles.usable] / 255).sum((1, 2, 3))
    normal = (tiles.table["label"] == "normal").to_numpy()
    tumour = (tiles.table["label"] == "tumour").to_numpy()
    between = (sums[normal].max() + sums[tumour].min()) / 2
    assert sums[normal].max() < between < sums[tumour].min()

    evidence = Evidence(
        [tiles],
        {"dark": maps_of(tmp_path / "dark", [tiles], darkness)},
        ("normal", "tumour"),
        1,
        kinds={"dark": "sensitivity"},
    )
    detector = Threshold(weight, between)
    parts = [("dark", Road(percentages=(25, 50, 75)))]
    result = evaluate_pairs(detector, evidence, parts, EvaluationSettings(16))["dark", "road"]
    accuracy = {order: curve(result, f"{order}_accuracy").mean(0) for order in ("morf", "lerf")}
    assert len(curve(result, "morf_accuracy")) == tumour.sum()
    assert accuracy["morf"][0] == accuracy["lerf"][0] == 1
    assert (accuracy["morf"][1:] == 0).all()
    assert (accuracy["lerf"][:3] == 1).all()
    for order, line in accuracy.items():
        area = (line[0] / 2 + line[1:-1].sum() + line[-1] / 2) / 3
        assert column(result, f"{order}_accuracy").mean() == pytest.approx(area)


@pytest.mark.parametrize("output", ["probability", "margin", "logit"])
def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path, output):
    def true(tiles: TileSet) -> np.ndarray:
        """What the margin loses when one pixel alone becomes the mean of its tile."""
        images = tiles.pixels[tiles.usable].transpose(0, 3, 1, 2) / 255
        return (WEIGHT.numpy() * (images - images.mean((2, 3), keepdims=True))).sum(1)

    def shuffled(tiles: TileSet) -> np.ndarray:
        flat = true(tiles).reshape(len(tiles.usable), -1)
        return np.random.default_rng(0).permuted(flat, axis=1).reshape(-1, 16, 16)

    draws = {"true": true, "shuffled": shuffled, "reversed": lambda tiles: -true(tiles)}
    found = score(tmp_path, draws, Road(ranked_by="signed", output=output))
    gaps = [column(found[name], "gap").mean() for name in draws]
    assert gaps[0] > gaps[1] > gaps[2]
    assert abs(gaps[1]) < 0.2 * gaps[0]
    if output == "margin":
        assert gaps[0] == pytest.approx(-gaps[2], rel=1e-5)


def test_a_constant_map_scores_as_chance(tmp_path):
    flat = {"flat": lambda tiles: np.zeros((len(tiles.usable), 16, 16))}
    gaps = column(score(tmp_path, flat, Road(output="margin"), count=200)["flat"], "gap")
    assert gaps.std() > 0
    assert abs(gaps.mean()) < 4 * gaps.std() / len(gaps) ** 0.5


def test_a_hole_in_an_even_tile_is_not_seen(block):
    """White pixels in an even tile would show the shape of the hole; imputed ones do not."""
    block.images[:] = torch.tensor([0.8, 0.6, 0.7]).view(3, 1, 1)
    for found in asked(Road(noise=0.0), block).values():
        torch.testing.assert_close(found, block.images.expand_as(found), atol=1e-6, rtol=0)


def test_one_draw_leaves_no_error_to_tell(tmp_path):
    result = score(tmp_path, {"e": lambda tiles: np.resize(MAPS, (len(tiles.usable), 16, 16))}, Road())["e"]
    assert np.isnan(result.scores["error"]).all()


def test_the_error_is_what_the_noise_leaves_in_the_mean_of_its_draws(tmp_path):
    """Of a linear margin it is known: each pixel adds weight x noise at every level that removes it."""
    percentages, draws = (20, 50, 90), 16
    metric = Road(ranked_by="signed", output="margin", percentages=percentages, noise=0.1, draws=draws)
    result = score(tmp_path, {"e": lambda t: np.resize(MAPS[0], (len(t.usable), 16, 16))}, metric, count=100)
    ranks = MAPS[0].flatten().argsort(descending=True).argsort()
    levels = np.array([0.0, 51 / 256, 128 / 256, 230 / 256])
    shares = np.array([levels[1], levels[2], levels[3] - levels[1], levels[3] - levels[2]]) / 2 / levels[3]
    power = WEIGHT.square().sum(0).flatten().numpy()
    counted = {}
    for order, going in (("morf", ranks.numpy()), ("lerf", 255 - ranks.numpy())):
        counted[order] = sum(
            share * (going < count) for share, count in zip(shares[1:], (51, 128, 230), strict=True)
        )
    counted["gap"] = counted["lerf"] - counted["morf"]
    for name, times in counted.items():
        exact = 0.1**2 * (power * times**2).sum() / draws
        squared = column(result["e"], name, "error") ** 2
        # Each is exact x chi-square(15) / 15, whose mean over the tiles scatters so much:
        scatter = (2 / (draws - 1) / len(squared)) ** 0.5
        assert squared.mean() == pytest.approx(exact, rel=4 * scatter)


def test_the_curve_is_the_mean_over_the_draws(tmp_path):
    """Of a linear margin it tends to the curve without noise, by the square root of the draws."""
    maps = {"e": lambda tiles: np.resize(MAPS, (len(tiles.usable), 16, 16))}
    lines = [
        curve(
            score(tmp_path / name, maps, Road(output="margin", noise=noise, draws=draws))["e"], "morf_margin"
        )
        for name, noise, draws in (("still", 0.0, 1), ("one", 0.1, 1), ("many", 0.1, 25))
    ]
    one, many = (np.square(line - lines[0]).mean() ** 0.5 for line in lines[1:])
    assert many == pytest.approx(one / 5, rel=0.4)


def test_the_clean_image_is_shared_with_other_metrics_and_nothing_is_asked_twice(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s1", "p1", "test", 20)
    sets = {n: maps_of(tmp_path / n, [tiles], lambda t: np.resize(MAPS, (20, 16, 16))) for n in ("a", "b")}
    evidence = Evidence([tiles], sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity"))
    plain, deletion, again = Road(), Deletion(), Road(id="again", output="margin")
    parts = [(name, metric) for name in sets for metric in (plain, deletion, again)]
    found = evaluate_pairs(LinearNetwork(WEIGHT), evidence, parts, EvaluationSettings(16))
    scored = len(column(found["a", "road"], "gap"))
    # A clean and a wholly removed image for all, and the images between for each explainer.
    needed = scored * (2 + 2 * (18 + 30))
    assert found["a", "road"].measures["plan_forward_images"] == needed
    assert plain.minimum_forward() == 19


@pytest.mark.parametrize(
    "wrong",
    [
        {"percentages": ()},
        {"percentages": (0, 50)},
        {"percentages": (50, 100)},
        {"percentages": (50, 20)},
        {"percentages": (20, 20)},
        {"noise": -0.1},
        {"draws": 0},
        {"output": "loss"},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        Road(**wrong)
