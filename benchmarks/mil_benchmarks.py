"""AUROC of the slide models on two public benchmarks of bags, cross-validated with the training of studies.

    python -m benchmarks.mil_benchmarks --data ../shared/data/mil_benchmarks

Musk1 (Dietterich et al. 1997): 92 molecules of 2 to 40 shapes with 166 features. UCSB (Kandemir et al. 2014):
58 cores of breast tissue of 21 to 40 tiles with 708 features. In each of ten folds one tenth is held out, one
tenth chooses the epoch, and the rest is trained on. The scores of all held-out bags together give one AUROC,
and the folds are drawn anew in every repeat.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.feature_set import EncoderFacts, FeatureFacts, FeatureSet, write_features
from tasks.models.bag_classifier import load_bag_classifier
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.additive import Additive
from tasks.models.mil.base import BagModel
from tasks.models.mil.mean_pool import MeanPool
from tasks.models.predict_bags import predict_bags
from tasks.training.bag_job import BagJob
from tasks.training.bag_recipe import BagRecipe
from tasks.training.recipe import ArmRecipe, TrainingRecipe
from tasks.training.train import train_classifier

CLASSES = ("negative", "positive")
FOLDS = 10
MODELS: Mapping[str, BagModel] = {
    "mean_pool": MeanPool(dropout=0.25),
    "abmil": Abmil(embed=64, attention=32),
    "additive": Additive(embed=64, attention=32),
}


@dataclass(frozen=True)
class BagsOfBenchmark:
    """One benchmark: ``features`` [N, D] of all tiles, ``bags`` [N] and the label of each bag, 0 or 1."""

    features: NDArray[np.float32]
    bags: NDArray[np.intp]
    labels: NDArray[np.intp]


def musk1(folder: Path) -> BagsOfBenchmark:
    """Read ``musk1.csv``: label, bag, features."""
    table = pd.read_csv(folder / "musk1.csv", header=None).to_numpy()
    return _read(table[:, 0], table[:, 1], table[:, 2:])


def ucsb(folder: Path) -> BagsOfBenchmark:
    """Read ``ucsb_features708.npz``."""
    with np.load(folder / "ucsb_features708.npz") as arrays:
        return _read(arrays["bag_label"], arrays["bag_id"], arrays["features"])


BENCHMARKS = {"musk1": musk1, "ucsb": ucsb}


def _read(labels: NDArray, ids: NDArray, features: NDArray) -> BagsOfBenchmark:
    _, first, bags = np.unique(ids, return_index=True, return_inverse=True)
    return BagsOfBenchmark(features.astype(np.float32), bags, (labels[first] > 0).astype(np.intp))


def write_bags(benchmark: BagsOfBenchmark, folder: Path) -> list[FeatureSet]:
    """Write one FeatureSet per bag; places of tiles are made up, and no model sees them."""
    found = []
    for bag, label in enumerate(benchmark.labels):
        own = benchmark.features[benchmark.bags == bag]
        place = folder / f"{bag:03d}"
        place.mkdir()
        row = np.arange(len(own))
        table = pd.DataFrame({"tile_id": row.astype(str), "x_level0": row, "y_level0": 0, "extent_level0": 1})
        table = table.assign(label="", tissue_fraction=np.nan, darkness=np.nan)
        facts = FeatureFacts(
            slide_id=f"{bag:03d}",
            patient_id=f"{bag:03d}",
            split="train",
            label=CLASSES[label],
            level0_mpp=1.0,
            mpp=1.0,
            tile_px=1,
            encoder=EncoderFacts(name="benchmark", claimed=True),
            dim=own.shape[1],
            count=len(own),
        )
        write_features(place, own, table, facts, "float32")
        found.append(FeatureSet(place))
    return found


def folds_of(labels: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Return the fold of each bag; every fold has its share of both classes."""
    generator = np.random.default_rng(seed)
    folds = np.empty(len(labels), np.intp)
    for value in (0, 1):
        own = generator.permutation(np.flatnonzero(labels == value))
        folds[own] = (np.arange(len(own)) + value * FOLDS // 2) % FOLDS
    return folds


def cross_validated(sets: list[FeatureSet], model: BagModel, seed: int, work: Path) -> float:
    """Return the AUROC of all held-out bags together."""
    labels = np.array([CLASSES.index(each.facts.label) for each in sets])
    folds, scores = folds_of(labels, seed), np.empty(len(sets))
    for fold in range(FOLDS):
        held = np.flatnonzero(folds == fold)
        roles = {
            each.facts.slide_id: "val" if folds[number] == (fold + 1) % FOLDS else "train"
            for number, each in enumerate(sets)
            if folds[number] != fold
        }
        rest = tuple(each for each in sets if each.facts.slide_id in roles)
        job = _job(rest, model, seed, roles)
        scores[held] = _scores(job, [sets[number] for number in held], work / str(fold))
    return float(roc_auc_score(labels, scores))


def _job(sets: tuple[FeatureSet, ...], model: BagModel, seed: int, roles: Mapping[str, str]) -> BagJob:
    recipe = TrainingRecipe(
        classes=CLASSES,
        target_class=CLASSES[1],
        epochs=40,
        lr=1e-3,
        patience=None,
        choose="val_loss",
        bag=BagRecipe(model=model),
    )
    return BagJob(sets, recipe, ArmRecipe(id="benchmark"), seed, "cpu", roles=roles)


def _scores(job: BagJob, held: list[FeatureSet], folder: Path) -> NDArray[np.float64]:
    """Return the margins of held-out bags."""
    out, work = folder / "out", folder / "work"
    for each in (out, work):
        each.mkdir(parents=True)
    train_classifier(job, out, work, lambda row, epoch: None)
    table = predict_bags(load_bag_classifier(Checkpoint(out), torch.device("cpu")), held, "cpu")
    return (table["logit_1"] - table["logit_0"]).to_numpy()


def measure(
    data: Path, repeats: int, names: tuple[str, ...] = tuple(BENCHMARKS)
) -> Iterator[dict[str, object]]:
    """Yield one row per benchmark and model: mean and standard deviation of the AUROC over repeats."""
    for name in names:
        with tempfile.TemporaryDirectory() as temporary:
            sets = write_bags(BENCHMARKS[name](data), Path(temporary))
            for label, model in MODELS.items():
                found = []
                for seed in range(repeats):
                    with tempfile.TemporaryDirectory() as work:
                        found.append(cross_validated(sets, model, seed, Path(work)))
                yield {"benchmark": name, "model": label, "auroc": np.mean(found), "sd": np.std(found)}


def main() -> None:
    """Print a table, and the same as JSON on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of both benchmarks")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for row in measure(options.data, options.repeats):
        rows.append(row)
        print(f"{row['benchmark']:8} {row['model']:10} {row['auroc']:.3f} +- {row['sd']:.3f}", flush=True)
    print(json.dumps({f"{row['benchmark']}_{row['model']}": round(float(row["auroc"]), 4) for row in rows}))


if __name__ == "__main__":
    main()
