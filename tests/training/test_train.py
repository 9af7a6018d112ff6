"""The training loop: learns, repeats itself, goes on where it was cut off, and refuses what it must."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tasks.artifacts.checkpoint import REGULARIZERS, Checkpoint
from tasks.models.classifier import load_classifier
from tasks.models.foreign import build_foreign
from tasks.models.recipe import NetworkRecipe
from tasks.training.errors import CollapsedError, DivergedError, TrainingDataError
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.resume import load_snapshot
from tasks.training.train import planned_tiles, train_classifier
from tests._support.tile_sets import make_cohort, make_tile_set

STANDARD = ArmRecipe(id="standard")
MODULATED = ArmRecipe(id="nm", regularizers=("noise_modulation",))
TINY = NetworkRecipe(width=0.125)


@pytest.fixture(scope="module")
def tile_sets(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("cohort"), count=40)[:3]


def make_job(tile_sets, arm=STANDARD, seed=0, **changes):
    values = {"network": TINY, "epochs": 3, "batch": 16, "lr": 0.01, **changes}
    return TrainingJob(tuple(tile_sets), TrainingRecipe(**values), arm, seed, "cpu")


def run(job, folder, log=lambda row, epoch: None, advance=lambda n: None):
    out, work = folder / "out", folder / "work"
    out.mkdir(parents=True)
    work.mkdir(exist_ok=True)
    measures = train_classifier(job, out, work, log, advance)
    return Checkpoint(out), measures


def payload(checkpoint):
    return {path.name: path.read_bytes() for path in checkpoint.folder.iterdir()}


def test_learns_and_describes_what_it_learned(tile_sets, tmp_path):
    rows, advanced = [], []
    job = make_job(tile_sets, epochs=6)
    checkpoint, measures = run(job, tmp_path, lambda row, epoch: rows.append((epoch, row)), advanced.append)
    info = checkpoint.info
    assert info.scores["val_auroc"] > 0.95
    assert info.classes == ("normal", "tumour")
    assert (info.mpp, info.tile_px, info.seed) == (1.0, 16, 0)
    assert [epoch for epoch, _ in rows] == list(range(1, 7))
    assert checkpoint.history["epoch"].tolist() == list(range(1, 7))
    assert info.scores["val_auroc"] == checkpoint.history["val_auroc"].max()
    assert sum(advanced) == planned_tiles(job) == 6 * 64
    assert set(measures) == {"seconds", "tiles_per_second", "peak_memory_mb", "epochs", "resumed_epochs"}
    assert {path.name for path in checkpoint.folder.iterdir()} == {
        "weights.safetensors", "checkpoint.json", "history.parquet",
    }  # fmt: skip


def test_loaded_classifier_repeats_the_validation_score(tile_sets, tmp_path):
    checkpoint, _ = run(make_job(tile_sets), tmp_path)
    model = load_classifier(checkpoint, torch.device("cpu"))
    tiles = tile_sets[2]
    rows = tiles.table.index[tiles.table["label"].isin(["normal", "tumour"])].to_numpy()
    images = torch.from_numpy(tiles.pixels[rows]).permute(0, 3, 1, 2).float() / 255
    truth = (tiles.table["label"].iloc[rows] == "tumour").to_numpy()
    with torch.no_grad():
        hits = model(images).argmax(1).numpy() == truth
    assert not model.training
    assert hits.mean() == checkpoint.info.scores["val_accuracy"]


@pytest.mark.parametrize("arm", [STANDARD, MODULATED], ids=lambda arm: arm.id)
def test_same_seed_gives_the_same_bytes_and_another_seed_others(tile_sets, tmp_path, arm):
    before = torch.random.get_rng_state()
    first, _ = run(make_job(tile_sets, arm), tmp_path / "a")
    second, _ = run(make_job(tile_sets, arm), tmp_path / "b")
    other, _ = run(make_job(tile_sets, arm, seed=1), tmp_path / "c")
    assert payload(first) == payload(second)
    assert payload(first)["weights.safetensors"] != payload(other)["weights.safetensors"]
    assert torch.equal(before, torch.random.get_rng_state())


def test_two_trainings_at_once_do_not_disturb_each_other(tile_sets, tmp_path):
    jobs = [make_job(tile_sets, arm) for arm in (STANDARD, MODULATED)]
    alone = [payload(run(job, tmp_path / f"alone{i}")[0]) for i, job in enumerate(jobs)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda i: payload(run(jobs[i], tmp_path / f"both{i}")[0]), range(2)))
    assert together == alone


class KilledError(Exception):
    pass


def die():
    raise KilledError


class Plain(nn.Module):
    """A network without BatchNorm."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)
        self.head = nn.Linear(4, num_classes)

    def forward(self, images):
        return self.head(self.conv(images).relu().mean((2, 3)))


class Blind(Plain):
    """A network that gives every tile the same answer, though its weights have gradients."""

    def forward(self, images):
        return super().forward(torch.ones_like(images))


@pytest.mark.parametrize("arm", [STANDARD, MODULATED], ids=lambda arm: arm.id)
def test_a_killed_training_goes_on_to_the_same_bytes(tile_sets, tmp_path, arm):
    whole, _ = run(make_job(tile_sets, arm), tmp_path / "whole")
    seen = 0

    def die_in_the_third_epoch(count):
        nonlocal seen
        seen += count
        if seen > 2 * 64 + 16:
            raise KilledError

    with pytest.raises(KilledError):
        run(make_job(tile_sets, arm), tmp_path / "cut", advance=die_in_the_third_epoch)
    (tmp_path / "cut" / "out").rmdir()
    epochs, advanced = [], []
    resumed, measures = run(
        make_job(tile_sets, arm), tmp_path / "cut", lambda row, epoch: epochs.append(epoch), advanced.append
    )
    assert (measures["epochs"], measures["resumed_epochs"]) == (3, 2)
    assert epochs == [1, 2, 3]
    assert sum(advanced) == 3 * 64
    assert payload(resumed) == payload(whole)


def test_a_snapshot_of_another_job_or_a_damaged_one_is_not_used(tile_sets, tmp_path):
    run(make_job(tile_sets), tmp_path)
    (snapshot,) = (tmp_path / "work").iterdir()
    for number, spoil in enumerate((lambda: None, lambda: snapshot.write_bytes(b"x" * 100))):
        spoil()
        out = tmp_path / f"again{number}"
        out.mkdir()
        measures = train_classifier(
            make_job(tile_sets, lr=0.02), out, tmp_path / "work", lambda row, epoch: None
        )
        assert (measures["epochs"], measures["resumed_epochs"]) == (3, 0)


def test_a_finished_training_is_not_trained_again(tile_sets, tmp_path):
    first, _ = run(make_job(tile_sets), tmp_path)
    kept = payload(first)
    for path in first.folder.iterdir():
        path.unlink()
    measures = train_classifier(make_job(tile_sets), first.folder, tmp_path / "work", lambda row, epoch: None)
    assert (measures["epochs"], measures["resumed_epochs"]) == (3, 3)
    assert payload(first) == kept


def test_noise_modulation_reports_scores_before_and_after_re_estimation(tile_sets, tmp_path):
    checkpoint, _ = run(make_job(tile_sets, MODULATED), tmp_path)
    scores = checkpoint.info.scores
    assert {"val_accuracy", "val_accuracy_as_trained", "val_auroc", "val_auroc_as_trained"} <= set(scores)
    best = checkpoint.history.set_index("epoch").loc[checkpoint.info.best_epoch]
    assert {name: best[name] for name in scores} == scores
    assert scores["val_auroc"] == checkpoint.history["val_auroc"].max()
    assert scores["val_loss"] != scores["val_loss_as_trained"]


def test_what_a_method_remembers_is_that_of_the_epoch_that_was_kept(tile_sets, tmp_path, monkeypatch):
    """The running scale of activations; two of one name are told apart; a kill loses neither."""
    method = {"name": "activation_sensitivity", "warmup": 0}
    arm = ArmRecipe(id="b", regularizers=(method, "noise_modulation", {**method, "id": "other"}))
    monkeypatch.setattr("tasks.training.run.choose_epoch", lambda history, rule: min(2, len(history)))
    job = make_job(tile_sets, arm)
    checkpoint, _ = run(job, tmp_path / "whole")
    states = checkpoint.regularizers
    assert set(states) == {"activation_sensitivity1", "activation_sensitivity2"}
    assert states["activation_sensitivity1"]["variance3"].shape == (64,)
    assert checkpoint.info.best_epoch == 2 < job.recipe.epochs
    with pytest.raises(KilledError):
        run(job, tmp_path / "dead", lambda row, epoch: die() if epoch == 2 else None)
    last = load_snapshot(tmp_path / "dead" / "work", job.identity)
    for name, value in states["activation_sensitivity2"].items():
        assert np.array_equal(last.tensors_of("regularizer/2")[name].numpy(), value), name
    (tmp_path / "dead" / "out").rmdir()
    resumed, _ = run(job, tmp_path / "dead")
    assert payload(resumed) == payload(checkpoint)


def test_methods_without_a_memory_leave_no_file(tile_sets, tmp_path):
    checkpoint, _ = run(make_job(tile_sets, MODULATED, epochs=1), tmp_path)
    assert checkpoint.regularizers == {}
    assert not (checkpoint.folder / REGULARIZERS).exists()


def test_three_classes(tmp_path):
    classes = ("normal", "tumour", "stroma")
    tile_sets = make_cohort(tmp_path / "cohort", count=40, classes=classes)[:3]
    checkpoint, _ = run(make_job(tile_sets, classes=classes, epochs=6), tmp_path)
    assert checkpoint.info.scores["val_balanced_accuracy"] > 0.6
    assert load_classifier(checkpoint, torch.device("cpu"))(torch.rand(2, 3, 16, 16)).shape == (2, 3)


def test_bfloat16_and_sampling_train_too(tmp_path):
    # 64 px: see tasks/training/half_precision.py.
    large = make_cohort(tmp_path / "cohort", count=40, tile_px=64)[:3]
    checkpoint, _ = run(make_job(large, amp=True, class_balance="sampling"), tmp_path)
    assert checkpoint.info.scores["val_auroc"] > 0.8


def test_a_loss_that_is_not_finite_names_the_epoch(tile_sets, tmp_path):
    with pytest.raises(DivergedError, match=r"diverged in epoch \d") as caught:
        run(make_job(tile_sets, lr=1e30, warmup=0), tmp_path)
    assert caught.value.epoch in (1, 2)


@pytest.mark.parametrize("accumulate", [2, 4])
def test_an_accumulated_step_is_one_on_the_whole_batch(tile_sets, tmp_path, accumulate):
    """Without BatchNorm: the parts have the changes of the whole batch and their gradients its mean."""
    network = NetworkRecipe(module=f"{__name__}:Plain")
    recipes = [{"network": network, "epochs": 2, "accumulate": parts} for parts in (1, accumulate)]
    whole, parts = (run(make_job(tile_sets, **r), tmp_path / str(r["accumulate"]))[0] for r in recipes)
    trained = load_file(whole.weights)["network.head.weight"]
    for name, value in load_file(whole.weights).items():
        assert torch.allclose(value, load_file(parts.weights)[name], atol=2e-6), name
    assert not torch.equal(trained, build_foreign(network.module, None, 2, 0).head.weight)
    for column in ("train_loss", "gradient_norm", "val_loss"):
        assert np.allclose(whole.history[column], parts.history[column], rtol=1e-4), column


def test_accumulation_trains_with_batchnorm_and_goes_on_after_a_kill(tile_sets, tmp_path):
    job = make_job(tile_sets, MODULATED, accumulate=4)
    whole, _ = run(job, tmp_path / "whole")
    assert whole.info.scores["val_auroc"] > 0.8
    assert np.isfinite(whole.history["gradient_norm"]).all()
    with pytest.raises(KilledError):
        run(job, tmp_path / "cut", lambda row, epoch: die() if epoch == 2 else None)
    (tmp_path / "cut" / "out").rmdir()
    resumed, measures = run(job, tmp_path / "cut")
    assert (measures["epochs"], measures["resumed_epochs"]) == (3, 2)
    assert payload(resumed) == payload(whole)
    whole_batch, _ = run(make_job(tile_sets, MODULATED), tmp_path / "one")
    assert payload(whole)["weights.safetensors"] != payload(whole_batch)["weights.safetensors"]


def test_bfloat16_in_parts_goes_on_to_the_same_bytes(tmp_path):
    arm = ArmRecipe(id="b", regularizers=("noise_modulation", {"name": "jacobian", "warmup": 0}))
    large = make_cohort(tmp_path / "cohort", count=20, tile_px=64)[:3]
    small = {"network": NetworkRecipe(width=0.0625), "lr": 0.001}
    job = make_job(large, arm, amp=True, accumulate=2, epochs=2, **small)
    whole, _ = run(job, tmp_path / "whole")
    with pytest.raises(KilledError):
        run(job, tmp_path / "cut", lambda row, epoch: die())
    (tmp_path / "cut" / "out").rmdir()
    resumed, measures = run(job, tmp_path / "cut")
    assert (measures["epochs"], measures["resumed_epochs"]) == (2, 1)
    assert payload(resumed) == payload(whole)
    in_full, _ = run(make_job(large, arm, accumulate=2, epochs=2, **small), tmp_path / "full")
    assert payload(in_full)["weights.safetensors"] != payload(whole)["weights.safetensors"]


def test_bfloat16_is_refused_where_it_cannot_be_trusted(tile_sets, tmp_path):
    with pytest.raises(TrainingDataError, match="amp on a CPU cannot train"):
        run(make_job(tile_sets, amp=True), tmp_path)


def test_too_few_tiles_for_the_parts_are_a_sentence(tile_sets, tmp_path):
    with pytest.raises(
        TrainingDataError, match="64 training tiles are too few to split a step into 64 parts"
    ):
        run(make_job(tile_sets, batch=128, accumulate=64), tmp_path)


def test_a_network_that_does_not_look_is_a_sentence(tile_sets, tmp_path):
    job = make_job(tile_sets, network=NetworkRecipe(module=f"{__name__}:Blind"))
    with pytest.raises(
        CollapsedError, match=r"network collapsed in epoch 1: .* 32 validation tiles"
    ) as caught:
        run(job, tmp_path)
    assert caught.value.epoch == 1


def test_test_tiles_are_refused(tmp_path):
    with pytest.raises(TrainingDataError, match="'d1' is of split 'test'"):
        run(make_job(make_cohort(tmp_path / "cohort")), tmp_path)


def test_a_patient_in_both_splits_needs_a_name(tmp_path):
    sets = [make_tile_set(tmp_path / s, s, "a", split, 20) for s, split in (("s", "train"), ("t", "val"))]
    job = make_job(sets, epochs=1)
    with pytest.raises(TrainingDataError, match="1 patients have slides in train and in val"):
        run(job, tmp_path / "refused")
    allowed = TrainingJob(job.tile_sets, job.recipe, job.arm, 0, "cpu", frozenset({"a"}))
    run(allowed, tmp_path / "allowed")


def test_a_missing_class_is_a_sentence(tile_sets, tmp_path):
    recipe = {"classes": ("normal", "tumour", "stroma")}
    with pytest.raises(TrainingDataError, match="split 'train' has no usable tile of class \\['stroma'\\]"):
        run(make_job(tile_sets, **recipe), tmp_path)


def test_payload_holds_no_machine_and_no_patient(tile_sets, tmp_path):
    checkpoint, _ = run(make_job(tile_sets, epochs=1), tmp_path)
    text = (checkpoint.folder / "checkpoint.json").read_text()
    assert str(tmp_path) not in text
    assert set(json.loads(text)) == set(type(checkpoint.info).model_fields) - {"bag"}
    assert "patient_id" not in pd.read_parquet(checkpoint.folder / "history.parquet").columns
