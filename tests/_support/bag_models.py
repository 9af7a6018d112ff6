"""Small slide models, trained on the bags of :mod:`tests._support.feature_sets` in a fraction of a second."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from tasks.artifacts.checkpoint import HISTORY, INFO, WEIGHTS, BagFacts, Checkpoint, CheckpointInfo
from tasks.artifacts.feature_set import FeatureSet
from tasks.models.bag_classifier import BagClassifier, build_bag_classifier
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.additive import Additive
from tasks.models.mil.base import BagModel
from tasks.models.mil.mean_pool import MeanPool
from tasks.models.mil.tile_classifier import TileClassifier
from tasks.models.mil.transformer import Transformer
from tasks.plugins import available, plugin_class
from tasks.samples.inputs import Bags
from tests._support.feature_sets import make_bag_cohort

CLASSES = ("normal", "tumour")

SMALL: dict[str, BagModel] = {
    "mean_pool": MeanPool(),
    "abmil": Abmil(embed=8, attention=4),
    "additive": Additive(embed=8, attention=4),
    "transformer": Transformer(width=8, heads=2, layers=2),
    "tile_classifier": TileClassifier(aggregation="mean"),
}
"""A small recipe of every slide model, by its name."""


def small_models() -> list[BagModel]:
    """Return a small recipe of every slide model there is; one that is not named here has its defaults."""
    package = BagModel.package
    found = [SMALL.get(name) or plugin_class(package, name)() for name in available(package)]
    assert all(isinstance(model, BagModel) for model in found)
    return found


def bags_of(sets: Sequence[FeatureSet]) -> Bags:
    """Return whole bags, padded to the longest."""
    length = max(each.facts.count for each in sets)
    features = torch.zeros(len(sets), length, sets[0].facts.dim)
    mask = torch.zeros(len(sets), length, dtype=torch.bool)
    about = torch.full((len(sets), length, 4), float("nan"))
    for number, each in enumerate(sets):
        features[number, : each.facts.count] = torch.from_numpy(each.features())
        about[number, : each.facts.count] = torch.from_numpy(each.about())
        mask[number, : each.facts.count] = True
    return Bags(features, mask, about)


def labels_of(sets: Sequence[FeatureSet]) -> torch.Tensor:
    """Return the class of each slide, int64 [B]."""
    return torch.tensor([CLASSES.index(each.facts.label) for each in sets])


def trained_bag_classifier(
    model: BagModel, sets: Sequence[FeatureSet], seed: int = 0, steps: int = 60
) -> BagClassifier:
    """Return a model that has seen all ``sets`` at once ``steps`` times, in eval mode."""
    rows = np.concatenate([each.features() for each in sets])
    mean, std = torch.from_numpy(rows.mean(0)), torch.from_numpy(rows.std(0))
    classifier = build_bag_classifier(model, len(CLASSES), mean, std, seed)
    bags, labels = bags_of(sets), labels_of(sets)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=0.02)
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(seed)
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(classifier(bags.features, bags.mask), labels).backward()
            optimizer.step()
    return classifier.eval()


def make_bag_checkpoint(
    folder: Path, model: BagModel, sets: Sequence[FeatureSet], seed: int = 0
) -> Checkpoint:
    """Write the checkpoint of :func:`trained_bag_classifier` into ``folder``, made if absent, and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    classifier = trained_bag_classifier(model, sets, seed)
    save_file(classifier.state_dict(), folder / WEIGHTS)
    facts = sets[0].facts
    info = CheckpointInfo(
        classes=CLASSES,
        target_class=CLASSES[1],
        mpp=facts.mpp,
        tile_px=facts.tile_px,
        seed=seed,
        best_epoch=1,
        scores={"val_auroc": 0.75},
        bag=BagFacts(model=model.model_dump(mode="json"), encoder=facts.encoder, dim=facts.dim),
    )
    (folder / INFO).write_text(info.model_dump_json(indent=1))
    history = pd.DataFrame({"epoch": [1], "train_loss": [0.5], "val_auroc": [0.75]})
    history.to_parquet(folder / HISTORY, index=False)
    return Checkpoint(folder)


def make_bag_study(folder: Path, patients: int = 12) -> tuple[list[FeatureSet], dict[str, Checkpoint]]:
    """Write a cohort of bags and a trained checkpoint of every slide model, by name."""
    sets = make_bag_cohort(folder / "features", patients)
    train = [each for each in sets if each.facts.split == "train"]
    models = {model.name: model for model in small_models()}
    return sets, {name: make_bag_checkpoint(folder / name, model, train) for name, model in models.items()}
