"""Our batched augmentation beside MONAI's per-tile transforms with scikit-image's stain space.

    python -m benchmarks.augmentation

Both flip, turn, change brightness and jitter the three HED stains of 64 px tiles on one thread; tiles a
second of process CPU time, best of three rounds each, and their ratio.
"""

import json
import time
from collections.abc import Callable

import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, Lambda, RandFlip, RandRotate90, RandScaleIntensity
from skimage.color import hed2rgb, rgb2hed

from tasks.functional.pixels import channels_last_images
from tasks.training.augment import augment
from tasks.training.recipe import AugmentationRecipe

TILES, BATCH, ROUNDS = 512, 64, 3


def main() -> None:
    """Measure both and print."""
    torch.set_num_threads(1)
    pixels = np.random.default_rng(0).integers(100, 255, (TILES, 64, 64, 3), dtype=np.uint8)
    ours, theirs = best(lambda: run_ours(pixels)), best(lambda: run_monai(pixels))
    figures = {
        "ours_tiles_per_second": round(ours),
        "monai_tiles_per_second": round(theirs),
        "ratio": round(ours / theirs, 2),
    }
    for name, value in figures.items():
        print(f"{name:24} {value}")
    print(json.dumps(figures))


def best(run: Callable[[], None]) -> float:
    """Return the best tiles a CPU second of several rounds."""
    rates = []
    for _ in range(ROUNDS):
        started = time.process_time()
        run()
        rates.append(TILES / (time.process_time() - started))
    return max(rates)


def run_ours(pixels: np.ndarray) -> None:
    """Augment all tiles in batches."""
    generator, recipe = torch.Generator().manual_seed(0), AugmentationRecipe()
    for start in range(0, TILES, BATCH):
        augment(channels_last_images(torch.from_numpy(pixels[start : start + BATCH])), recipe, generator)


def run_monai(pixels: np.ndarray) -> None:
    """Augment all tiles one by one and collate them."""
    random = np.random.default_rng(0)

    def stain(image: np.ndarray) -> np.ndarray:
        stains = rgb2hed(np.moveaxis(np.asarray(image), 0, -1))
        changed = stains * (1 + random.uniform(-0.1, 0.1, 3)) + random.uniform(-0.01, 0.01, 3)
        return np.moveaxis(hed2rgb(changed), -1, 0).astype(np.float32)

    transform = Compose(
        [
            Lambda(lambda x: np.moveaxis(x, -1, 0).astype(np.float32) / 255),
            RandFlip(0.5, 0),
            RandFlip(0.5, 1),
            RandRotate90(0.75),
            Lambda(stain),
            RandScaleIntensity(0.1, 1.0),
        ]
    )
    for _ in DataLoader(Dataset(list(pixels), transform), batch_size=BATCH, num_workers=0):
        pass


if __name__ == "__main__":
    main()
