"""The smallest dose that moves the quantity, and nothing else, is found."""

import math

import pytest

from tasks.artifacts.dose import INFO, PICTURE, TRIALS, Dose
from tasks.dosing.errors import DoseSearchError
from tasks.dosing.search import relative_move, search_dose
from tasks.dosing.settings import DoseSettings
from tasks.dosing.trials import Trials
from tasks.models.recipe import NetworkRecipe
from tasks.regularizers.base import ManipulationCheck
from tasks.training.errors import DivergedError
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tests._support.tile_sets import make_cohort

RECIPE = TrainingRecipe(network=NetworkRecipe(width=0.0625), epochs=1, batch=16, lr=0.01)


def arm_of(values=(1e-6, 1.0), moves=0.2, method="jacobian", **dose):
    return ArmRecipe(
        id="calm",
        regularizers=({"name": method, "warmup": 0, "ramp": 0},),
        dose={"field": "weight", "values": values, "moves": moves, **dose},
    )


@pytest.fixture(scope="module")
def tile_sets(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("cohort"), count=40)[:3]


def settings_of(tile_sets, arm, seeds=(0,), **changes):
    recipe = RECIPE.model_copy(update=changes)
    return DoseSettings(TrainingJob(tuple(tile_sets), recipe, arm, 0, "cpu"), seeds, 1)


def searched(folder, settings, advance=lambda tiles: None):
    out = folder / "out"
    out.mkdir(parents=True)
    return Dose(out), search_dose(settings, out, folder / "work", advance)


@pytest.fixture
def known(monkeypatch):
    """Networks whose quantity is 10 without the method and 10 - 2 dose + seed with it; over 3 they stop."""
    asked = []

    def trained(_self, job, _name):
        dose = job.arm.regularizers[0].weight if job.arm.regularizers else math.nan
        asked.append((dose, job.seed))
        if dose > 3:
            raise DivergedError(2, "loss", math.nan)
        return type("C", (), {"info": type("I", (), {"scores": {"val_auroc": 0.9}})(), "dose": dose})()

    monkeypatch.setattr(Trials, "_trained", trained)
    monkeypatch.setattr(
        Trials, "_measured", lambda _self, c, seed: 10.0 + seed - (0 if math.isnan(c.dose) else 2 * c.dose)
    )
    return asked


def test_the_first_dose_that_moves_far_enough_is_taken_and_no_stronger_one_is_trained(
    tmp_path, tile_sets, known
):
    dose, measures = searched(tmp_path, settings_of(tile_sets, arm_of((0.5, 1.0, 2.0), 0.2)))
    assert dose.value == dose.info.value == 1.0
    assert dose.info.moved == pytest.approx(0.2)
    assert (dose.info.free, dose.info.treated) == (10, 8)
    assert [dose for dose, _ in known[1:]] == [0.5, 1.0]
    assert measures["networks"] == 3
    assert dose.trials["quantity"].tolist() == [10, 9, 8]
    assert math.isnan(dose.trials["dose"][0])


def test_the_mean_over_seeds_decides(tmp_path, tile_sets, known):
    dose, _ = searched(tmp_path, settings_of(tile_sets, arm_of((0.5, 1.06), 0.2), seeds=(0, 1)))
    assert dose.value == 1.06
    assert dose.info.free == 10.5
    assert dose.info.moved == pytest.approx(2 * 1.06 / 10.5)
    assert [seed for _, seed in known] == [0, 1] * 3


def test_the_sequence_given_is_that_of_strength(tmp_path, tile_sets, known):
    """Of noise the blend falls as the strength rises, so no value is put before another."""
    dose, _ = searched(tmp_path, settings_of(tile_sets, arm_of((2.0, 1.0), 0.2)))
    assert dose.value == 2.0


def test_where_no_dose_moves_it_so_far_the_best_is_named(tmp_path, tile_sets, known):
    with pytest.raises(DoseSearchError) as refused:
        searched(tmp_path, settings_of(tile_sets, arm_of((0.5, 2.0, 1.0), 0.6)))
    assert str(refused.value) == (
        "no weight of 'jacobian' moves pixel_sensitivity.logits by 60%: the best of 3, 2, moves it by 40.0% "
        "from 10; give stronger values or a smaller 'moves'"
    )
    assert list((tmp_path / "out").iterdir()) == []


def test_trainings_that_stop_are_named_and_never_chosen(tmp_path, tile_sets, known):
    with pytest.raises(
        DoseSearchError, match=r"the best of 2, 1, moves it by 20.0% .* and 1 of them stopped"
    ):
        searched(tmp_path, settings_of(tile_sets, arm_of((1.0, 9.0), 0.6)))
    with pytest.raises(DoseSearchError, match="every training with it stopped; give smaller values"):
        searched(tmp_path / "b", settings_of(tile_sets, arm_of((8.0, 9.0), 0.6)))


def test_without_a_network_or_a_quantity_to_compare_with_nothing_is_searched(
    tmp_path, tile_sets, monkeypatch
):
    for value, said in (
        (0.0, "logits is 0 without 'jacobian'"),
        (math.nan, "training without 'jacobian' stopped"),
    ):
        monkeypatch.setattr(Trials, "mean", lambda _self, arm, dose=math.nan, value=value: value)
        with pytest.raises(DoseSearchError, match=said):
            searched(tmp_path / str(value), settings_of(tile_sets, arm_of()))


def test_a_move_is_positive_where_treatment_should_lead():
    lower, higher = (ManipulationCheck("m", "s", direction) for direction in ("lower", "higher"))
    assert relative_move(4, 3, lower) == pytest.approx(0.25)
    assert relative_move(4, 3, higher) == pytest.approx(-0.25)
    assert relative_move(-4, -3, higher) == pytest.approx(0.25)


@pytest.mark.filterwarnings("ignore:.*")
def test_real_networks_a_weak_penalty_does_not_take_and_a_strong_one_does(tmp_path, tile_sets):
    advanced = []
    settings = settings_of(tile_sets, arm_of((1e-9, 0.03), 0.3), epochs=3)
    dose, _ = searched(tmp_path, settings, advanced.append)
    assert dose.value == 0.03
    quantity = dose.trials["quantity"]
    assert abs(quantity[1] / quantity[0] - 1) < 0.05
    assert quantity[2] < 0.7 * quantity[0]
    assert dose.trials["dose"].tolist()[1:] == [1e-9, 0.03]
    assert dose.info.tiles == 32
    assert dose.info.quantity == "pixel_sensitivity.logits"
    assert sorted(path.name for path in dose.folder.iterdir()) == sorted([INFO, TRIALS, PICTURE])
    assert sum(advanced) == 3 * 3 * 64
    # What was trained before is not trained again, and the bytes are the same.
    again = tmp_path / "again"
    again.mkdir()
    search_dose(settings, again, tmp_path / "work", advanced.append)
    assert sum(advanced) == 3 * 3 * 64
    for name in (INFO, TRIALS, PICTURE):
        assert (again / name).read_bytes() == (dose.folder / name).read_bytes()
