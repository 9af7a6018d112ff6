"""A slide model that is trained in two processes is the one that is trained in one."""

import dataclasses

import pytest
import torch

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.bag_classifier import load_bag_classifier
from tasks.models.mil.abmil import Abmil
from tasks.training.bag_job import BagJob
from tasks.training.bag_recipe import BagRecipe
from tasks.training.job_file import JobFile
from tasks.training.processes import train_in_processes
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.train import train_classifier
from tasks.training_step.rank import Rank
from tests._support.feature_sets import make_bag_cohort

ARM = ArmRecipe(id="noisy", regularizers=("feature_noise", "dropped_tiles_consistency"))


@pytest.fixture
def job(tmp_path):
    found = make_bag_cohort(tmp_path / "features", 16)
    recipe = TrainingRecipe(
        epochs=3,
        batch=4,
        lr=0.01,
        patience=2,
        bag=BagRecipe(model=Abmil(embed=8, attention=4, dropout=0)),
    )
    return BagJob(tuple(each for each in found if each.facts.split != "test"), recipe, ARM, 0, "cpu")


def test_the_file_of_a_job_gives_the_job_back(job, tmp_path):
    text = JobFile.of(job, tmp_path, tmp_path, 1).model_dump_json()
    again = JobFile.model_validate_json(text).job("cpu", Rank())
    assert isinstance(again, BagJob)
    assert again.identity == job.identity
    assert (again.recipe, again.arm) == (job.recipe, job.arm)


@pytest.mark.slow
def test_two_processes_train_what_one_does(job, tmp_path):
    """Without dropout, which each process draws for itself; noise and dropped tiles are drawn for all."""
    answers = []
    for count, train in ((1, train_classifier), (2, train_in_processes)):
        out, work = tmp_path / f"out{count}", tmp_path / f"work{count}"
        out.mkdir()
        work.mkdir()
        train(dataclasses.replace(job, rank=Rank(0, count)), out, work, lambda row, epoch: None)
        model = load_bag_classifier(Checkpoint(out), torch.device("cpu"))
        features, mask = (
            torch.randn(4, 6, 6, generator=torch.Generator().manual_seed(0)),
            torch.ones(4, 6).bool(),
        )
        answers.append(model(features, mask))
    torch.testing.assert_close(*answers, atol=1e-5, rtol=1e-4)
