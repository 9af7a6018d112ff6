"""What the tests of trainings in several processes need by name: a job, its victim, a network that fails."""

import os
import sys
from pathlib import Path

import torch
from torch import nn

from tasks.models.recipe import NetworkRecipe
from tasks.training.job import TrainingJob
from tasks.training.processes import train_in_processes
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training_step.rank import Rank
from tests._support.tile_sets import make_cohort

ARM = ArmRecipe(id="both", regularizers=("noise_modulation", {"name": "jacobian", "warmup": 0, "ramp": 0}))


def spread_job(folder: Path, rank: Rank, **changes) -> TrainingJob:
    """Return a training of three epochs of two steps, in two parts each; its slides are drawn here."""
    recipe = {"epochs": 3, "batch": 32, "accumulate": 2, "lr": 0.001, **changes}
    network = recipe.pop("network", NetworkRecipe(width=0.0625))
    tile_sets = make_cohort(folder, count=40, tile_px=32)[:3]
    return TrainingJob(tile_sets, TrainingRecipe(network=network, **recipe), ARM, 0, "cpu", rank=rank)


class FailsInTheSecond(nn.Module):
    """A network whose output is not a number in the second process, once it was used a few times."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, num_classes)
        self.left = 3

    def forward(self, images):
        self.left -= 1
        factor = float("nan") if self.left < 0 and os.environ.get("RANK") == "1" else 1.0
        return factor * self.head(self.conv(images).relu().mean((2, 3)))


if __name__ == "__main__":
    # The victim: trains in two processes until it is killed, and says which epochs it has finished.
    torch.set_num_threads(2)
    home = Path(sys.argv[1])
    train_in_processes(
        spread_job(home / "cohort", Rank(0, 2)),
        home / "out",
        home / "work",
        lambda row, epoch: (home / f"epoch{epoch}").touch(),
    )
