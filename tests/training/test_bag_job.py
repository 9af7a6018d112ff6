"""Slide models are trained by the loop that trains tile classifiers: they learn, repeat, resume, refuse."""

import dataclasses

import numpy as np
import pytest
import torch

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.bag_classifier import load_bag_classifier
from tasks.models.errors import ModelError
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.mean_pool import MeanPool
from tasks.models.mil.tile_classifier import TileClassifier
from tasks.training.bag_job import BagJob
from tasks.training.bag_recipe import BagRecipe
from tasks.training.epoch import train_epoch
from tasks.training.errors import TrainingDataError
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.resources import TrainingResources
from tasks.training.run import begin
from tasks.training.train import planned_tiles, train_classifier
from tasks.training_step.rank import Rank
from tests._support.bag_models import SMALL, bags_of, labels_of, small_models
from tests._support.feature_sets import make_bag_cohort, make_feature_set
from tests._support.shared_steps import OF_BAGS

CPU = torch.device("cpu")
ARM = ArmRecipe(id="a")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Eight slides to train on, four to validate on."""
    found = make_bag_cohort(tmp_path_factory.mktemp("features"), 16)
    return tuple(each for each in found if each.facts.split != "test")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Thirty slides to train on, fifteen to validate on."""
    found = make_bag_cohort(tmp_path_factory.mktemp("features"), 60)
    return tuple(each for each in found if each.facts.split != "test")


def make_job(sets, model=SMALL["abmil"], arm=ARM, bag=None, save_minutes=10, **changes):
    values = {"epochs": 4, "batch": 4, "lr": 0.02, "bag": BagRecipe(model=model, **(bag or {})), **changes}
    seed, rank = values.pop("seed", 0), values.pop("rank", Rank())
    resources = TrainingResources(save_minutes=save_minutes)
    return BagJob(tuple(sets), TrainingRecipe(**values), arm, seed, "cpu", rank=rank, resources=resources)


def run(job, folder, log=lambda row, epoch: None, advance=lambda n: None):
    out, work = folder / "out", folder / "work"
    out.mkdir(parents=True)
    work.mkdir(exist_ok=True)
    measures = train_classifier(job, out, work, log, advance)
    return Checkpoint(out), measures


def shown_bags(batch):
    return zip(batch.positions.tolist(), batch.images, batch.mask, strict=True)


def payload(checkpoint):
    return {path.name: path.read_bytes() for path in checkpoint.folder.iterdir()}


@pytest.mark.parametrize("model", small_models(), ids=lambda model: model.name)
def test_every_model_learns_the_rule_of_the_bags(many, tmp_path, model):
    advanced = []
    job = make_job(many, model, epochs=15, bag={"tile_batch": 16})
    checkpoint, measures = run(job, tmp_path, advance=advanced.append)
    assert checkpoint.info.scores["val_auroc"] > 0.85
    assert sum(advanced) == planned_tiles(job)
    noun = "tiles" if model.labels == "tile" else "slides"
    assert measures[f"{noun}_per_second"] > 0
    loaded, bags = load_bag_classifier(checkpoint, CPU), bags_of(many)
    called = loaded(bags.features, bags.mask).argmax(1)
    if model.labels == "slide":
        # The mean over tiles calls a slide after most of its tiles: right in order, not in its threshold.
        assert (called == labels_of(many)).float().mean() > 0.8


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(sets, tmp_path):
    first, again, other = (
        payload(run(make_job(sets, seed=seed), tmp_path / name)[0])
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == again
    assert first["weights.safetensors"] != other["weights.safetensors"]


@pytest.mark.parametrize("model", [SMALL["abmil"], SMALL["tile_classifier"]], ids=["slides", "tiles"])
@pytest.mark.parametrize("killed_after", [3, 5])
def test_a_killed_training_goes_on_to_the_same_bytes(sets, tmp_path, model, killed_after):
    """The first kill is within an epoch: dropout draws on from where it was."""
    steps = []

    def die(_count):
        steps.append(1)
        if len(steps) > killed_after:
            raise KeyboardInterrupt

    job = make_job(sets, model, save_minutes=0, bag={"tile_batch": 16})
    whole, _ = run(job, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(job, tmp_path / "cut", advance=die)
    (tmp_path / "cut" / "out").rmdir()
    assert payload(run(job, tmp_path / "cut")[0]) == payload(whole)


def test_patience_ends_a_training_that_no_longer_gets_better(sets, tmp_path):
    advanced = []
    job = make_job(sets, MeanPool(), epochs=30, patience=2, lr=1e-9, choose="val_auroc")
    checkpoint, measures = run(job, tmp_path, advance=advanced.append)
    ended = len(checkpoint.history)
    assert ended == measures["epochs"] < 30
    assert ended == checkpoint.info.best_epoch + 2
    assert sum(advanced) == planned_tiles(job)


def test_normalisation_is_that_of_all_training_tiles(sets, tmp_path):
    checkpoint, _ = run(make_job(sets, epochs=1), tmp_path)
    model = load_bag_classifier(checkpoint, CPU)
    rows = np.concatenate([each.features() for each in sets if each.facts.split == "train"])
    np.testing.assert_allclose(model.mean, rows.mean(0), atol=1e-6)
    np.testing.assert_allclose(model.std, rows.std(0), rtol=1e-5)


def test_a_bag_is_sampled_anew_in_every_epoch_and_whole_where_it_is_judged(sets):
    job = make_job(sets, bag={"tiles_per_bag": 8, "tile_dropout": 0.25})
    seen = {}
    for epoch in (1, 2):
        for batch in job.batches(epoch):
            for position, features, mask in zip(
                batch.positions.tolist(), batch.images, batch.mask, strict=True
            ):
                rows = features[mask]
                count = int(job.train.store.counts[position])
                assert len(rows) == max(1, round(0.75 * min(8, count)))
                known = torch.from_numpy(job.train.store.sets[position].features())
                found = (rows[:, None] == known[None]).all(2).nonzero()[:, 1].tolist()
                assert found == sorted(set(found))
                assert len(found) == len(rows)
                seen.setdefault(position, []).append(found)
    assert len(seen) == len(job.train)
    assert any(first != second for first, second in seen.values())
    whole = [bags.mask.sum().item() for bags, _ in job.val.batches(np.arange(len(job.val)), 1, CPU)]
    assert whole == job.val.store.counts.tolist()


def test_all_bags_are_sampled_alike_however_a_step_is_split(sets):
    def shown(**changes):
        job = make_job(sets, **changes)
        found = {}
        for batch in job.batches(1):
            for position, features, mask in zip(
                batch.positions.tolist(), batch.images, batch.mask, strict=True
            ):
                found[position] = features[mask]
        return found

    whole = shown()
    parts = shown(accumulate=2)
    ranks = shown(rank=Rank(0, 2)) | shown(rank=Rank(1, 2))
    for other in (parts, ranks):
        assert whole.keys() == other.keys()
        assert all(torch.equal(value, other[position]) for position, value in whole.items())


def test_processes_pad_to_the_same_length(sets):
    lengths = [
        [batch.images.shape for batch in make_job(sets, rank=Rank(number, 2)).batches(1)] for number in (0, 1)
    ]
    assert lengths[0] == lengths[1]


def test_memory_does_not_hold_a_cohort_that_does_not_fit(sets):
    small = dataclasses.replace(make_job(sets), resources=TrainingResources(cache_mb=0))
    for batch in small.batches(1):
        assert batch.images.shape[0] == 4
    assert small.train.store._kept == {}
    large = make_job(sets)
    for _ in large.batches(1):
        pass
    assert len(large.train.store._kept) == len(large.train)
    pairs = zip(small.batches(2), large.batches(2), strict=True)
    assert all(torch.equal(a.images, b.images) for a, b in pairs)


def test_labels_of_tiles_train_a_tile_classifier(sets):
    job = make_job(sets, TileClassifier(), bag={"tile_batch": 16})
    known = sum(
        int((each.labels(("normal", "tumour")) >= 0).sum()) for each in sets if each.facts.split == "train"
    )
    assert len(job.train) == known
    batches = list(job.batches(1))
    assert {batch.images.shape for batch in batches} == {(16, 1, 6)}
    # Of the second class the first feature is high.
    first, labels = (torch.cat([getattr(batch, name) for batch in batches]) for name in ("images", "labels"))
    assert first[labels == 1, 0, 0].mean() > first[labels == 0, 0, 0].mean() + 2
    assert job.val.noun == "slides"


@pytest.mark.parametrize("name", sorted(OF_BAGS))
def test_every_regularizer_of_features_works_in_parts(sets, tmp_path, name):
    """In the last of two epochs, when every warm-up is over."""
    arm = ArmRecipe(id="a", regularizers=(name,))
    begun = begin(make_job(sets, arm=arm, epochs=2, accumulate=2), tmp_path)
    start = {key: value.clone() for key, value in begun.model.named_parameters()}
    row = train_epoch(begun, 2, lambda _n: None)
    assert row["gradient_norm"] > 0
    assert all(np.isfinite(value) for value in row.values())
    plain = begin(make_job(sets, epochs=2, accumulate=2), tmp_path)
    other = train_epoch(plain, 2, lambda _n: None)
    assert row["train_loss"] != other["train_loss"]
    moved = [key for key, value in begun.model.named_parameters() if not torch.equal(value, start[key])]
    assert {"network.embed.0.weight", "network.head.weight"} <= set(moved)


def test_a_penalty_on_gradients_is_refused_where_there_is_no_second_derivative(sets):
    arm = ArmRecipe(id="a", regularizers=("feature_sensitivity",))
    make_job(sets, arm=arm).check()
    with pytest.raises(ModelError, match="differentiates twice, which 'transformer' cannot"):
        make_job(sets, SMALL["transformer"], arm).check()


def test_class_balance_shows_slides_of_every_class_alike(tmp_path):
    labels = ["normal"] * 9 + ["tumour"] * 3
    sets = [
        make_feature_set(tmp_path / f"s{n}", f"s{n}", f"p{n}", "train", label)
        for n, label in enumerate(labels)
    ]
    sets += [
        make_feature_set(tmp_path / f"v{n}", f"v{n}", f"q{n}", "val", label)
        for n, label in enumerate(labels[8:10])
    ]
    job = make_job(sets, class_balance="sampling", batch=4)
    counts = torch.bincount(torch.cat([batch.labels for batch in job.batches(1)]))
    assert counts.tolist() == [6, 6]


def test_what_cannot_be_trained_on_is_refused(sets, tmp_path):
    def refused(job, match):
        with pytest.raises(TrainingDataError, match=match):
            job.check()

    one = make_feature_set(tmp_path / "x", "x", "p0", "val", "tumour")
    refused(make_job([*sets, one]), "1 patients have slides in train and in val")
    held = make_feature_set(tmp_path / "t", "t", "p99", "test", "tumour")
    refused(make_job([*sets, held]), "slide 't' is of split 'test'")
    bare = make_feature_set(tmp_path / "b", "b", "p98", "train", "")
    refused(make_job([*sets, bare]), "slide 'b' has the label ''; a slide model knows the classes")
    refused(make_job(sets[:8]), "split 'val' has no slide of class")
    other = make_feature_set(tmp_path / "o", "o", "p97", "train", "tumour")
    path = other.folder / "features.json"
    path.write_text(path.read_text().replace("made_up", "another"))
    refused(make_job([*sets, type(other)(other.folder)]), "the features are of 2 encoders")
    refused(make_job(sets, batch=8, accumulate=8, rank=Rank(0, 3)), "batch 8 must be split evenly")


def test_in_a_fold_a_slide_is_what_its_role_says(sets):
    roles = {each.facts.slide_id: "val" if each.facts.split == "train" else "train" for each in sets}
    job = dataclasses.replace(make_job(sets), roles=roles)
    job.check()
    assert len(job.train) == 4
    assert len(job.val) == 8


def test_an_arm_brings_its_own_model():
    recipe = TrainingRecipe(bag={})
    assert recipe.bag.model == Abmil()
    arm = ArmRecipe(id="m", model={"name": "mean_pool"})
    assert arm.applied_to(recipe).bag.model == MeanPool()
    assert ArmRecipe(id="a").applied_to(recipe) == recipe
