"""Which epoch is chosen."""

import pytest

from tasks.models.errors import ModelError
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.run import begin, choose_epoch
from tests._support.tile_sets import make_cohort


def rows(*values):
    return [{"val_auroc": auroc, "val_loss": loss} for auroc, loss in values]


@pytest.mark.parametrize(
    ("history", "rule", "expected"),
    [
        (rows((0.7, 1.0), (0.9, 2.0), (0.8, 0.5)), "val_auroc", 2),
        (rows((0.7, 1.0), (0.9, 2.0), (0.8, 0.5)), "val_loss", 3),
        (rows((0.9, 2.0), (0.9, 1.0), (0.9, 1.5)), "val_auroc", 2),
        (rows((0.9, 1.0), (0.9, 1.0)), "val_auroc", 1),
    ],
)
def test_best_then_lower_loss_then_earlier(history, rule, expected):
    assert choose_epoch(history, rule) == expected


@pytest.mark.parametrize(("name", "said"), [("Checkpointed", ""), ("OfTheBatch", "logits alone than beside")])
def test_a_brought_network_is_asked_before_the_first_step(tmp_path, name, said):
    network = {"module": f"tests._support.odd_networks:{name}", "arguments": {}}
    recipe = TrainingRecipe(batch=4, network=network)
    job = TrainingJob(make_cohort(tmp_path / "c", count=20)[:3], recipe, ArmRecipe(id="a"), 0, "cpu")
    if said:
        with pytest.raises(ModelError, match=said):
            begin(job, tmp_path)
        return
    run = begin(job, tmp_path)
    assert run.model.training
    assert run.model.feature_layers == (run.model.network.lower[3],)
