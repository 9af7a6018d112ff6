"""Small feature sets with a known rule: slides of the second class hold tiles whose first feature is high."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.feature_set import EncoderFacts, FeatureFacts, FeatureSet, write_features

DIM, EXTENT, LEVEL0_MPP = 6, 128, 0.25


def make_feature_set(
    folder: Path,
    slide_id: str,
    patient_id: str,
    split: str,
    label: str,
    tiles: int = 12,
    seed: int = 0,
    classes: Sequence[str] = ("normal", "tumour"),
) -> FeatureSet:
    """Write a FeatureSet of ``tiles`` tiles in rows of five into ``folder``, made if absent, and open it.

    Features are standard normal numbers. On a slide of the second class a quarter of the tiles, at least one,
    are of it: their first feature is 4 higher, their third 2 lower, and they are darker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([seed, *slide_id.encode()])
    features = generator.normal(size=(tiles, DIM)).astype(np.float32)
    positive = np.zeros(tiles, bool)
    if label == classes[1]:
        positive[generator.permutation(tiles)[: max(1, tiles // 4)]] = True
    features[positive] += np.array([4, 0, -2, 0, 0, 0], np.float32)
    row, column = np.divmod(np.arange(tiles), 5)
    table = pd.DataFrame(
        {
            "tile_id": [f"{slide_id}/{x * EXTENT}_{y * EXTENT}" for x, y in zip(column, row, strict=True)],
            "x_level0": column * EXTENT,
            "y_level0": row * EXTENT,
            "extent_level0": EXTENT,
            "label": np.array(classes)[positive.astype(int)],
            "tissue_fraction": generator.uniform(0.5, 1, tiles),
            "darkness": generator.uniform(0.1, 0.3, tiles) + 0.2 * positive,
        }
    )
    facts = FeatureFacts(
        slide_id=slide_id,
        patient_id=patient_id,
        split=split,
        label=label,
        level0_mpp=LEVEL0_MPP,
        mpp=0.5,
        tile_px=64,
        encoder=EncoderFacts(name="made_up"),
        dim=DIM,
        count=tiles,
    )
    write_features(folder, features, table, facts, "float32")
    return FeatureSet(folder)


def make_bag_cohort(folder: Path, patients: int = 12, seed: int = 0) -> list[FeatureSet]:
    """Write one slide per patient, half of each class: half train, a quarter each val and test."""
    splits = ["train"] * (patients // 2) + ["val"] * (patients // 4)
    splits += ["test"] * (patients - len(splits))
    return [
        make_feature_set(
            folder / f"s{number}",
            f"s{number}",
            f"p{number}",
            split,
            ("normal", "tumour")[number % 2],
            tiles=5 + (7 * number) % 16,
            seed=seed,
        )
        for number, split in enumerate(splits)
    ]
