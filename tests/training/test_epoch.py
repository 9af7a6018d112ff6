"""What an epoch reports; every regularizer works in parts; a network with dropout repeats itself."""

import math

import pytest
import torch
from torch import nn

from tasks.models.recipe import NetworkRecipe
from tasks.regularizers.scaat import Scaat
from tasks.training.epoch import train_epoch
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.run import begin
from tests._support.shared_steps import NAMES, OF_BAGS
from tests._support.tile_sets import make_cohort


class WithDropout(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.drop = nn.Dropout(0.5)
        self.unused = nn.Linear(2, 2)
        self.head = nn.Linear(4, num_classes)

    def forward(self, x):
        return self.head(self.drop(self.conv(x).relu().mean((2, 3))))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("cohort"), count=20, tile_px=32)[:3]


@pytest.mark.parametrize("name", sorted({*NAMES[1:]} - OF_BAGS))
def test_every_regularizer_works_in_parts(cohort, tmp_path, name):
    """In the second of two epochs, when every warm-up is over: its state goes from part to part."""
    recipe = TrainingRecipe(network=NetworkRecipe(width=0.0625), batch=16, accumulate=2, epochs=2)
    job = TrainingJob(cohort, recipe, ArmRecipe(id="a", regularizers=(name,)), 0, "cpu")
    run = begin(job, tmp_path)
    start = {key: value.clone() for key, value in run.model.named_parameters()}
    advanced = []
    row = train_epoch(run, 2, advanced.append)
    assert advanced == [16, 16]
    assert row["gradient_norm"] > 0
    assert all(math.isfinite(value) for value in row.values())
    assert not any(torch.equal(value, start[key]) for key, value in run.model.named_parameters())
    assert run.model.network.bn1.num_batches_tracked == 4
    assert all(torch.isfinite(value).all() for state in run.arm.states for value in state.values())


def test_dropout_repeats_itself(tmp_path):
    recipe = TrainingRecipe(network=NetworkRecipe(module=f"{__name__}:WithDropout"), batch=16)
    job = TrainingJob(make_cohort(tmp_path / "c", count=20)[:3], recipe, ArmRecipe(id="a"), 0, "cpu")
    before = torch.random.get_rng_state()
    rows = []
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        run = begin(job, tmp_path / name)
        rows.append([train_epoch(run, epoch, lambda n: None) for epoch in (1, 2)])
    assert rows[0] == rows[1]
    assert torch.equal(before, torch.random.get_rng_state())


def test_notes_of_a_method_are_columns_once_it_acts(tmp_path):
    recipe = TrainingRecipe(network=NetworkRecipe(width=0.0625), batch=16, epochs=2)
    method = Scaat(share=0.5, eps=0.02, steps=1, warmup=0.5, ramp=0)
    arm = ArmRecipe(id="a", regularizers=(method,))
    run = begin(TrainingJob(make_cohort(tmp_path / "c", count=20)[:3], recipe, arm, 0, "cpu"), tmp_path)
    before, after = (train_epoch(run, epoch, lambda n: None) for epoch in (1, 2))
    assert not [name for name in before if "scaat" in name]
    assert after["scaat.share"] == 0.5
    assert 0 < after["scaat.perturbation"] <= 0.5 * method.eps
    parts = after["loss_cross_entropy"] + after["loss_scaat.divergence"]
    assert after["train_loss"] == pytest.approx(parts)
