"""Small networks that learned something: what holds of an untrained network need not hold of these."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models.classifier import Classifier, load_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.training.job import TrainingJob
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.tiles import labelled_tiles
from tasks.training.train import train_classifier
from tests._support.tile_sets import make_cohort

CLASSES = ("normal", "tumour", "stroma")


def trained_network(folder: Path, classes: int = 2, epochs: int = 3) -> tuple[Classifier, Tensor, Tensor]:
    """Train in a second or two; return the network, its training images [N, 3, 16, 16] and their labels."""
    names = CLASSES[:classes]
    tile_sets = make_cohort(folder / "cohort", count=100, classes=names)[:3]
    recipe = TrainingRecipe(
        network=NetworkRecipe(width=0.125), classes=names, epochs=epochs, batch=16, lr=0.003
    )
    out, work = folder / "out", folder / "work"
    out.mkdir()
    work.mkdir()
    job = TrainingJob(tile_sets, recipe, ArmRecipe(id="standard"), 0, "cpu")
    train_classifier(job, out, work, lambda row, epoch: None)
    tiles = labelled_tiles(tile_sets, "train", names)
    pixels = tiles.gather(np.arange(len(tiles)))
    model = load_classifier(Checkpoint(out), torch.device("cpu"))
    return model, pixels.permute(0, 3, 1, 2).float() / 255, tiles.labels
