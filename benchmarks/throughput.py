"""How many tiles a second standard training sees on a device, and how long it waits for them.

python -m benchmarks.training --gpu
"""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.training import STANDARD, WARM_UP, Bench, Setting, arm_of, random_tiles
from tasks.models.classifier import Classifier
from tasks.models.recipe import NetworkRecipe
from tasks.training.augment import augment
from tasks.training.recipe import AugmentationRecipe
from tasks.training.tiles import LabelledTiles


def print_throughput(setting: Setting, steps: int) -> None:
    """Print the tiles a second of standard training at full width, with its data, compiled and not.

    Compiled are the residual blocks, one by one: whole networks would be compiled anew with every hook, and
    what is compiled has no double backward pass.
    """
    figures = {}
    for name in ("resnet18", "resnet50"):
        for kind, backend in (("eager", None), ("compiled", "inductor")):
            recipe = NetworkRecipe.model_validate({"name": name, "width": 1})
            figures[f"{name}/{kind}"] = throughput(setting, recipe, backend, steps)
    print(f"{setting}, {steps} steps")
    print(f"{'network':24}{'tiles/s':>9}{'without data':>14}{'waiting':>9}{'MB':>8}")
    for name, row in figures.items():
        rate, without, waiting, memory = row.values()
        print(f"{name:24}{rate:9.0f}{without:14.0f}{waiting:9.3f}{memory:8.0f}")
    print(json.dumps(figures))


def compile_blocks(model: Classifier, backend: str) -> None:
    torch._dynamo.config.recompile_limit = 128
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        for block in model.network.get_submodule(stage).children():
            block.compile(backend=backend, dynamic=False)


def throughput(setting: Setting, network: NetworkRecipe, backend: str | None, steps: int) -> dict[str, float]:
    """Return tiles a second with and without fetching data, the share of time it takes, and peak memory.

    The data are tiles in a file that the operating system has in memory; both sides augment. ``backend``
    compiles the blocks; None leaves them as they are.
    """
    if setting.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(setting.device)
    bench = Bench(setting, network)
    if backend is not None:
        compile_blocks(bench.model, backend)
    size, arm, recipe = setting.batch, arm_of(STANDARD, setting.device), AugmentationRecipe()
    changes, images = torch.Generator().manual_seed(0), bench.batch.images

    def train(batches: Iterable[Tensor]) -> None:
        for each in batches:
            bench.step(arm, bench.batch_of(augment(each, recipe, changes)))

    train([images] * WARM_UP)
    without = bench.seconds(lambda: train([images] * steps))
    with tempfile.TemporaryDirectory() as folder:
        tiles = stored_tiles(Path(folder), setting, steps)
        order = np.random.default_rng(0).permutation(len(tiles))
        seconds = bench.seconds(lambda: train(each for each, _ in tiles.batches(order, size, bench.device)))
    return {
        "tiles_per_second": round(steps * size / seconds),
        "without_data": round(steps * size / without),
        "waiting_for_data": round(max(0.0, 1 - without / seconds), 3),
        "peak_memory_mb": torch.cuda.max_memory_allocated() >> 20 if bench.device.type == "cuda" else 0,
    }


def stored_tiles(folder: Path, setting: Setting, steps: int) -> LabelledTiles:
    """Return tiles for so many steps, copies of one batch, in a file that is read as asked for."""
    count, px = steps * setting.batch, setting.tile_px
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.uint8, (count, px, px, 3))
    pixels.reshape(steps, setting.batch, px, px, 3)[:] = random_tiles(setting.batch, px).numpy()
    rows = np.arange(count)
    return LabelledTiles((pixels,), np.zeros_like(rows), rows, torch.from_numpy(rows % 2))
