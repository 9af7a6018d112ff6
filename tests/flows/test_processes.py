"""A study may spread each training over several processes; that is recipe, but one process is none."""

import pytest
from pydantic import ValidationError

from flows.study import study
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.store import Store
from tests._support.plans import plan_of
from tests._support.studies import tiny_config


def training_of(config, home):
    return plan_of(config, home).of("train")[0]


def test_processes_are_recipe_only_where_there_are_several(manifest, tmp_path):
    one, two = (training_of(tiny_config(manifest, processes=count), tmp_path) for count in (1, 2))
    assert one.recipe["device"] == "cpu, 2 threads"
    assert two.recipe["device"] == "cpu, 2 threads, 2 processes"
    assert {key: value for key, value in two.recipe.items() if key != "device"} == {
        key: value for key, value in one.recipe.items() if key != "device"
    }
    assert one.modules == ("tasks.training.train", "tasks.training.job")
    assert two.modules == ("tasks.training.worker", "tasks.training.job")


def test_a_batch_must_be_split_evenly(manifest):
    with pytest.raises(ValidationError, match="batch 16 must be split evenly by accumulate 1 x processes 3"):
        tiny_config(manifest, processes=3)


@pytest.mark.slow
@pytest.mark.usefixtures("prefect")
def test_a_training_in_two_processes_is_a_part_like_any_other(manifest, tmp_path):
    train = tiny_config(manifest).train.model_dump(mode="json")
    train["arms"] = train["arms"][:1]
    config = tiny_config(manifest, processes=2, train=train)
    study(config, tmp_path, only="tile")
    assert study(config, tmp_path, only="train").executed == ("train/standard/seed0",)
    (record,) = Store(tmp_path).records("Checkpoint")
    checkpoint = Checkpoint(Store(tmp_path).path(record.reference))
    assert len(checkpoint.history) == 2
    assert record.measures["tiles_per_second"] > 0
