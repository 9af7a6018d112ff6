"""The search for sigma, on a network whose drop of accuracy under noise has a closed form."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from tasks.artifacts.calibration import CURVE, INFO, PICTURE, Calibration
from tasks.artifacts.tile_set import TILES, TileSet
from tasks.calibration.bisection import HALVINGS, LOWEST
from tasks.calibration.errors import SigmaSearchError
from tasks.calibration.recipe import CalibrationRecipe, CalibrationSettings
from tasks.calibration.search import calibrate
from tasks.explainers.fusiongrad import FusionGrad
from tasks.explainers.gradient import Gradient
from tasks.explainers.noisegrad import NoiseGrad
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.functional.passes import Passes, counted_passes
from tasks.functional.weight_noise import WeightNoiseError
from tests._support.pixel_detectors import pixel_detector, pixel_noise, pixel_tiles
from tests._support.small_networks import FailingError, FailingNetwork, LinearNetwork, state_of

SETTINGS = CalibrationSettings(("normal", "tumour"))
RECIPE = CalibrationRecipe(parameters="all", seed=0, drop=0.05, draws=10, tiles=512)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return pixel_tiles(tmp_path_factory.mktemp("tiles"))


def found(tmp_path, tiles, model=None, settings=SETTINGS, **changes):
    out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
    out.mkdir()
    sets = tiles if isinstance(tiles, list) else [tiles]
    measures = calibrate(model or pixel_detector(), sets, RECIPE.model_copy(update=changes), settings, out)
    return Calibration(out), measures


@pytest.mark.parametrize(("seed", "drop"), [(0, 0.05), (7, 0.05), (0, 0.1), (0, 0.2)])
def test_sigma_is_that_of_the_closed_form(tmp_path, tiles, seed, drop):
    """A tile is missed where eta < -1 / sigma, so AD = 2 Phi(-1 / sigma)."""
    calibration, _ = found(tmp_path, tiles, seed=seed, drop=drop)
    normal = torch.distributions.Normal(0.0, 1.0)
    expected = -1 / float(normal.icdf(torch.tensor(drop / 2)))
    # The error of a share of 2,560 draws, through the slope of AD: four times that, and the bracket's 2 %.
    error = 2 * math.sqrt(drop / 2 * (1 - drop / 2) / 2560)
    slope = 2 * math.exp(float(normal.log_prob(torch.tensor(1 / expected)))) / expected**2
    assert calibration.sigma == pytest.approx(expected, abs=4 * error / slope + 0.02 * expected)


def test_the_drop_is_exactly_that_of_the_draws(tmp_path, tiles):
    calibration, _ = found(tmp_path, tiles)
    info, eta = calibration.info, pixel_noise(0, 10)

    def drop_at(sigma):
        return 2 * float((1 + sigma * eta < 0).double().mean())

    assert info.drop == pytest.approx(drop_at(info.sigma))
    assert drop_at(info.below) < 0.05 <= drop_at(info.above)
    assert info.above / info.below < 1.02
    assert info.sigma in (info.below, info.above)
    by_draw = 2 * (1 + info.sigma * eta < 0).double().mean(1)
    assert info.drop_spread == pytest.approx(float(by_draw.std()))
    assert (info.clean_balanced_accuracy, info.chance, info.at_lowest) == (1.0, 0.5, False)
    assert info.clean_cross_entropy == pytest.approx(math.log1p(math.exp(-1)))
    assert info.tiles == {"normal": 128, "tumour": 128}
    assert info.recipe == RECIPE.model_dump()


def test_the_curve_holds_every_sigma_and_draw_with_the_same_noise_throughout(tmp_path, tiles):
    calibration, measures = found(tmp_path, tiles)
    curve, eta = calibration.curve, pixel_noise(0, 10).double()
    assert curve.columns.tolist() == ["sigma", "draw", "balanced_accuracy", "cross_entropy"]
    assert curve.groupby("sigma")["draw"].apply(list).tolist() == [list(range(10))] * (2 + HALVINGS)
    assert curve["sigma"].is_monotonic_increasing
    for row in curve.itertuples():
        factor = 1 + row.sigma * eta[row.draw]
        assert row.balanced_accuracy == pytest.approx(float((factor > 0).double().mean()))
        assert row.cross_entropy == pytest.approx(float(F.softplus(-factor).mean()), rel=1e-5)
    assert measures["sigma"] == calibration.sigma
    assert measures["forward_images"] == 256 * (1 + 10 * (2 + HALVINGS))


def test_only_forward_passes_are_made_and_counted(tmp_path, tiles):
    model, advanced = pixel_detector(), []
    with counted_passes(model) as counter:
        measures = calibrate(model, [tiles], RECIPE, SETTINGS, tmp_path, advanced.append)
    assert counter.spent == Passes(forward=measures["forward_images"])
    assert sum(advanced) == measures["forward_images"]
    assert max(advanced) == SETTINGS.batch


def test_it_is_the_same_every_time_down_to_the_bytes(tmp_path, tiles):
    first, again = (found(tmp_path, tiles)[0] for _ in range(2))
    for name in (INFO, CURVE, PICTURE):
        assert (first.folder / name).read_bytes() == (again.folder / name).read_bytes()


def test_neither_the_batch_nor_the_order_of_slides_decides(tmp_path):
    slides = [pixel_tiles(tmp_path / f"s{i}", f"s{i}", 100 * i, 100) for i in range(2)]
    one = found(tmp_path, slides)[0]
    other = found(tmp_path, slides[::-1])[0]
    small = found(tmp_path, slides, settings=CalibrationSettings(("normal", "tumour"), batch=7))[0]
    assert one.sigma == other.sigma == small.sigma
    assert one.info.tiles == {"normal": 100, "tumour": 100}


def test_accuracy_is_balanced(tmp_path):
    """All of the many normal tiles are right and one in four of the few tumour tiles is wrong: 0.875."""
    tiles = pixel_tiles(tmp_path / "t")
    table = pd.read_parquet(tiles.folder / TILES)
    tumour = np.flatnonzero(table["label"] == "tumour")
    table.loc[tumour[64:], "label"] = "mixed"
    table.to_parquet(tiles.folder / TILES, index=False)
    model = pixel_detector()
    with torch.no_grad():
        model.weight[0].view(-1)[tumour[:16]] = -1.0
    info = found(tmp_path, TileSet(tiles.folder), model, drop=0.1)[0].info
    assert info.tiles == {"normal": 128, "tumour": 64}
    assert info.clean_balanced_accuracy == pytest.approx(0.875)


def test_another_seed_finds_another_sigma_and_other_parameters_too(tmp_path, tiles):
    one, other = (found(tmp_path, tiles, seed=seed)[0].sigma for seed in (0, 1))
    assert one != other
    with pytest.raises(WeightNoiseError, match="no linear layer"):
        found(tmp_path, tiles, parameters="head")


def test_where_the_least_noise_costs_more_the_least_sigma_is_found_and_said(tmp_path, tiles):
    """Two weights that cancel to one part in a million bear no noise at all."""
    model = pixel_detector()
    with torch.no_grad():
        model.weight[1], model.weight[2] = 1e6, -1e6
    info = found(tmp_path, tiles, model)[0].info
    assert (info.sigma, info.below, info.above, info.at_lowest) == (LOWEST, LOWEST, LOWEST, True)
    assert info.drop > 0.5


def test_a_network_that_is_no_better_than_guessing_is_refused(tmp_path, tiles):
    wrong = LinearNetwork(-pixel_detector().weight.detach())
    with pytest.raises(SigmaSearchError, match=r"balanced accuracy of 0.000 .* guessing has 0.500"):
        found(tmp_path, tiles, wrong)
    blind = LinearNetwork(torch.zeros(3, 16, 16))
    with pytest.raises(SigmaSearchError, match=r"balanced accuracy of 0.500"):
        found(tmp_path, tiles, blind)


def test_a_drop_that_no_noise_reaches_is_refused(tmp_path, tiles):
    """At sigma 1 the factor is negative in 16 % of the draws, so AD ends near 0.32."""
    reached = 2 * float((pixel_noise(0, 10) < -1).double().mean())
    with pytest.raises(SigmaSearchError, match=f"by {reached:.3g} at sigma 1 only, and 0.9 is wanted"):
        found(tmp_path, tiles, drop=0.9)


def test_tiles_that_cannot_tell_the_drop_are_refused_after_one_pass(tmp_path, tiles):
    """All are right, so a drop of 5 % is 2.5 % of the tiles: 4 x 0.975 / 0.025 = 156 tiles are needed."""
    advanced = []
    few, enough = (RECIPE.model_copy(update={"tiles": count}) for count in (154, 156))
    with pytest.raises(SigmaSearchError, match=r"77 normal and 77 tumour .* takes 156 tiles"):
        calibrate(pixel_detector(), [tiles], few, SETTINGS, tmp_path, advanced.append)
    assert sum(advanced) == 154
    assert list(tmp_path.iterdir()) == []
    calibrate(pixel_detector(), [tiles], enough, SETTINGS, tmp_path)
    assert Calibration(tmp_path).info.tiles == {"normal": 78, "tumour": 78}


def test_the_network_is_left_as_found_also_when_it_fails_under_noise(tmp_path, tiles):
    model = pixel_detector().train()
    before = state_of(model)
    found(tmp_path, tiles, model)
    assert state_of(model) == before
    failing = FailingNetwork(6)
    before = state_of(failing)
    with pytest.raises((FailingError, SigmaSearchError)):
        found(tmp_path, tiles, failing)
    assert state_of(failing) == before


def test_only_what_changes_sigma_is_in_the_recipe():
    plain = NoiseGrad().calibration_recipe()
    assert plain == RECIPE
    same = [
        NoiseGrad(draws=3, base=SmoothGrad(samples=2), average="magnitude", id="other"),
        FusionGrad(samples=9, input_sigma=0.5),
        SmoothGrad(base=NoiseGrad()),
    ]
    assert all(explainer.calibration_recipe() == plain for explainer in same)
    changes = {"seed": 1, "parameters": "head", "drop": 0.1, "calibration_draws": 11, "calibration_tiles": 9}
    others = [NoiseGrad(**{field: value}).calibration_recipe() for field, value in changes.items()]
    assert plain not in others
    assert len({str(other) for other in others}) == len(changes)


def test_what_waits_for_no_sigma_has_no_recipe():
    assert Gradient().calibration_recipe() is None
    assert SmoothGrad().calibration_recipe() is None
    assert NoiseGrad(sigma=0.1).calibration_recipe() is None


def test_the_artifact_gives_the_sigma_that_an_explainer_takes(tmp_path, tiles):
    calibration, _ = found(tmp_path, tiles)
    assert NoiseGrad().calibrated(calibration.sigma).sigma == calibration.info.sigma == calibration.sigma
    assert sorted(path.name for path in calibration.folder.iterdir()) == sorted([INFO, CURVE, PICTURE])
