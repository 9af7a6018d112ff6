"""What a training is told about its tiles."""

import numpy as np
import pytest
import torch

from tasks.artifacts.tile_set import PIXELS
from tasks.models.errors import ModelError
from tasks.models.recipe import NetworkRecipe
from tasks.training.errors import TrainingDataError
from tasks.training.job import TrainingJob, check_job, colour_statistics
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tests._support.tile_sets import make_cohort


@pytest.fixture
def sets(tmp_path):
    return make_cohort(tmp_path, count=20)[:3]


def job(sets, **changes):
    recipe = {"batch": 12, **changes}
    return TrainingJob(tuple(sets), TrainingRecipe(**recipe), ArmRecipe(id="a"), 0, "cpu")


def test_colour_statistics_are_those_of_the_training_tiles(sets):
    training = job(sets).train
    pixels = training.gather(np.arange(len(training))).double() / 255
    mean, std = colour_statistics(training)
    torch.testing.assert_close(torch.tensor(mean).double(), pixels.mean((0, 1, 2)), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        torch.tensor(std).double(), pixels.flatten(0, 2).std(0, unbiased=False), rtol=1e-6, atol=1e-6
    )


def test_an_epoch_is_of_whole_batches(sets):
    assert len(job(sets).train) == 32
    assert (job(sets).steps_per_epoch, job(sets).tiles_per_epoch) == (2, 24)
    assert (job(sets, batch=100).steps_per_epoch, job(sets, batch=100).tiles_per_epoch) == (1, 32)


def test_a_step_is_of_equal_parts(sets):
    whole = job(sets, batch=12, accumulate=3)
    assert (whole.step_size, whole.process_batch) == (12, 4)
    few = job(sets, batch=100, accumulate=5)
    assert (few.step_size, few.process_batch, few.tiles_per_epoch) == (30, 6, 30)


def test_identity_knows_recipe_seed_and_slides_but_not_the_name_of_the_arm(sets):
    base = job(sets)
    renamed = TrainingJob(base.tile_sets, base.recipe, ArmRecipe(id="b"), 0, "cpu")
    assert base.identity == renamed.identity
    others = [
        job(sets, lr=0.5),
        TrainingJob(base.tile_sets, base.recipe, base.arm, 1, "cpu"),
        TrainingJob(base.tile_sets[1:], base.recipe, base.arm, 0, "cpu"),
        TrainingJob(
            base.tile_sets, base.recipe, ArmRecipe(id="a", regularizers=("noise_modulation",)), 0, "cpu"
        ),
    ]
    assert len({base.identity, *(other.identity for other in others)}) == 5


def test_one_resolution_and_one_size_are_needed(sets):
    sets[0].table.assign(mpp=0.5).to_parquet(sets[0].folder / "tiles.parquet", index=False)
    del sets[0].__dict__["table"]
    with pytest.raises(TrainingDataError, match=r"resolutions \[0\.5, 1\.0\] um/px"):
        check_job(job(sets))
    np.save(sets[2].folder / PIXELS, np.zeros((20, 8, 8, 3), np.uint8))
    sets[2].__dict__.pop("pixels", None)
    with pytest.raises(TrainingDataError):
        check_job(job(sets[1:]))


ROLES = {"a1": "val", "b1": "train", "c1": "train"}
"""Another dealing of the cohort, whose manifest says train, train and val."""


def folded(sets, roles, shared=frozenset()):
    base = job(sets)
    return TrainingJob(base.tile_sets, base.recipe, base.arm, 0, "cpu", shared, roles)


def test_in_a_fold_a_slide_is_what_its_role_says_not_its_split(sets):
    found = folded(sets, ROLES)
    check_job(found)
    taken = {split: {id(p) for p in getattr(found, split).pixels} for split in ("train", "val")}
    assert taken["val"] == {id(sets[0].pixels)}
    assert taken["train"] == {id(sets[1].pixels), id(sets[2].pixels)}


def test_a_slide_without_a_role_or_held_out_is_not_trained_on(sets):
    with pytest.raises(TrainingDataError, match="slide 'c1' has no role in this fold"):
        check_job(folded(sets, {"a1": "val", "b1": "train"}))
    with pytest.raises(TrainingDataError, match="slide 'c1' is of split 'test'"):
        check_job(folded(sets, {**ROLES, "c1": "test"}))


def test_in_a_fold_too_a_patient_in_train_and_val_needs_a_name(sets):
    patient = sets[1].table["patient_id"].iloc[0]
    sets[0].table.assign(patient_id=patient).to_parquet(sets[0].folder / "tiles.parquet", index=False)
    del sets[0].__dict__["table"]
    check_job(job(sets))  # by the manifest both slides are trained on
    with pytest.raises(TrainingDataError, match="1 patients have slides in train and in val"):
        check_job(folded(sets, ROLES))
    check_job(folded(sets, ROLES, frozenset({patient})))


def test_identity_knows_the_roles(sets):
    same = {"a1": "train", "b1": "train", "c1": "val"}
    assert len({job(sets).identity, folded(sets, ROLES).identity, folded(sets, same).identity}) == 3


def test_a_foreign_network_keeps_its_pre_activations_to_itself(sets):
    recipe = TrainingRecipe(batch=12, network=NetworkRecipe(module="torch.nn:Identity"))
    asking, sparing = (
        ArmRecipe(id="a", regularizers=({"name": "activation_sensitivity", "weight": weight},))
        for weight in (1e-5, 0)
    )
    with pytest.raises(ModelError, match=r"known of our own networks, not of network\.module 'torch"):
        check_job(TrainingJob(tuple(sets), recipe, asking, 0, "cpu"))
    check_job(TrainingJob(tuple(sets), recipe, sparing, 0, "cpu"))
