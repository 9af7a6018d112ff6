"""Snapshots come back bit by bit, and a half-written one never counts."""

import json

import torch
from safetensors.torch import save_file

from tasks.training.costs import TrainingCosts
from tasks.training.optimise import make_optimizer
from tasks.training.recipe import TrainingRecipe
from tasks.training.resume import (
    FILE,
    Snapshot,
    load_snapshot,
    optimizer_tensors,
    restore_optimizer,
    save_snapshot,
)
from tests._support.training_steps import tiny_classifier

HISTORY = ({"train_loss": 0.1 + 0.2, "val_auroc": 1 / 3},)


def test_round_trip_is_exact(tmp_path):
    tensors = {"model/a": torch.rand(3, 4).t(), "best/a": torch.ones(()), "optimizer/b/step": torch.tensor(5)}
    costs = TrainingCosts(0.1 + 0.2, 1 / 3, 64, 1, 99.5)
    save_snapshot(tmp_path, "job", Snapshot(tensors, HISTORY, costs))
    found = load_snapshot(tmp_path, "job")
    assert (found.history, found.costs) == (HISTORY, costs)
    assert all(torch.equal(value, found.tensors[name]) for name, value in tensors.items())
    assert list(found.tensors_of("model")) == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_absent_foreign_and_damaged_snapshots_are_none(tmp_path, caplog):
    assert load_snapshot(tmp_path, "job") is None
    save_snapshot(tmp_path, "job", Snapshot({"model/a": torch.ones(1000)}, HISTORY))
    assert load_snapshot(tmp_path, "other") is None
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-10])
    assert load_snapshot(tmp_path, "job") is None
    assert "cannot be read" in caplog.text


def test_a_snapshot_that_says_nothing_about_costs_has_none(tmp_path):
    """As written before costs were kept."""
    metadata = {"job": "job", "history": json.dumps(HISTORY)}
    save_file({"model/a": torch.ones(3)}, tmp_path / FILE, metadata)
    found = load_snapshot(tmp_path, "job")
    assert (found.history, found.costs) == (HISTORY, TrainingCosts())


def step(model, optimizer, seed):
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    model(images).square().mean().backward()
    optimizer.step()


def test_optimizer_goes_on_bit_by_bit():
    runs = [tiny_classifier().channels_last() for _ in range(2)]
    optimizers = [make_optimizer(model, TrainingRecipe(lr=0.01)) for model in runs]
    for model, optimizer in zip(runs, optimizers, strict=True):
        step(model, optimizer, 0)
    saved = {name: value.clone() for name, value in optimizer_tensors(optimizers[1], runs[1]).items()}
    optimizers[1] = make_optimizer(runs[1], TrainingRecipe(lr=0.01))
    restore_optimizer(optimizers[1], runs[1], saved)
    for model, optimizer in zip(runs, optimizers, strict=True):
        step(model, optimizer, 1)
    for name, value in runs[0].state_dict().items():
        assert torch.equal(value, runs[1].state_dict()[name])
