"""An epoch is judged as the network would be used, and training goes on as if nothing had happened."""

import pytest
import torch

from tasks.models.recipe import NetworkRecipe
from tasks.training.epoch import train_epoch
from tasks.training.errors import CollapsedError
from tasks.training.job import TrainingJob
from tasks.training.judge import check_spread, judge_epoch
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.run import begin
from tests._support.tile_sets import make_cohort


def trained_session(tmp_path, *regularizers):
    recipe = TrainingRecipe(network=NetworkRecipe(width=0.0625), batch=16)
    arm = ArmRecipe(id="a", regularizers=regularizers)
    job = TrainingJob(make_cohort(tmp_path / "c", count=20)[:3], recipe, arm, 0, "cpu")
    run = begin(job, tmp_path)
    return run, train_epoch(run, 1, lambda n: None)


def test_standard_training_is_judged_as_it_is(tmp_path):
    run, row = trained_session(tmp_path)
    judged = judge_epoch(run, row)
    assert set(judged) - set(row) == {"val_loss", "val_accuracy", "val_balanced_accuracy", "val_auroc"}
    assert run.history == [judged]
    assert all(torch.equal(value, run.best[name]) for name, value in run.model.state_dict().items())


def test_finished_weights_are_kept_and_trained_ones_go_on(tmp_path):
    run, row = trained_session(tmp_path, "noise_modulation")
    trained = {name: value.clone() for name, value in run.model.state_dict().items()}
    judged = judge_epoch(run, row)
    assert {"val_loss", "val_loss_as_trained"} <= set(judged)
    assert judged["val_loss"] != judged["val_loss_as_trained"]
    assert all(torch.equal(value, trained[name]) for name, value in run.model.state_dict().items())
    changed = {name.rpartition(".")[2] for name in trained if not torch.equal(trained[name], run.best[name])}
    assert (
        {"running_mean", "running_var"} <= changed <= {"running_mean", "running_var", "num_batches_tracked"}
    )


def logits_with_margins(*margins):
    return torch.tensor([[0.0, margin] for margin in margins], dtype=torch.float64)


@pytest.mark.parametrize("margins", [(0.3, 0.3), (0.3, 0.3 + 9e-7), (2000.0, 2000.001)])
def test_the_same_answer_for_all_tiles_is_a_collapse(margins):
    with pytest.raises(
        CollapsedError, match=r"network collapsed in epoch 4: .* all 2 validation tiles lie within"
    ):
        check_spread(logits_with_margins(*margins), 1, 4)


@pytest.mark.parametrize("margins", [(0.3, 0.3 + 1.1e-6), (2000.0, 2000.003), (0.0, 0.0, 0.1)])
def test_slightly_different_answers_are_none(margins):
    check_spread(logits_with_margins(*margins), 1, 4)
