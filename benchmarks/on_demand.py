"""What training and explaining lose where tiles are read from slides instead of from kept pixels.

    python -m benchmarks.on_demand [--slide PATH] [--tiles 4096] [--rounds 5]

The same slide is tiled twice, with ``keep: pixels`` and with ``keep: none``. A ResNet-18 at quarter width
trains on tiles of 64 px in batches of 32, and its gradient is explained, in turns from both, so that both
meet the same disturbances. Each round is one pass over the tiles in an order of its own. Ratios are of the
medians. Training is measured with the cache that a study has, whose tiles are in memory after the first
epoch, and without it, as on a cohort far larger than the cache. That the pixels are the same is checked
first.

The aims, on two cores, are losses of at most 10 % in training and 5 % in explaining.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.feed import phantom
from benchmarks.training import MEAN, STANDARD, STD, Bench, Setting, arm_of
from tasks.artifacts.tile_set import TileSet
from tasks.explainers.gradient import Gradient
from tasks.explaining.slide import AttributionSettings, attribute_slide
from tasks.models.classifier import build_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.slides.reader import open_slide
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.on_demand import SlidePixels
from tasks.tiling.recipe import TilingRecipe
from tasks.training.augment import augment
from tasks.training.recipe import AugmentationRecipe
from tasks.training.resources import CACHE_MB
from tasks.training.tiles import LabelledTiles

TILE_PX, BATCH, EXPLAINED = 64, 32, 64
NETWORK = NetworkRecipe(width=0.25)
KEPT, CACHED, READ = "kept pixels", "from the slide, cached", "from the slide"

Work = Callable[[], object]


@dataclass(frozen=True)
class TiledTwice:
    """The tiles of one slide, with kept pixels and without, and the folder for what is made of them."""

    kept: TileSet
    read: TileSet
    folder: Path
    most: int

    @property
    def count(self) -> int:
        """How many tiles are used."""
        return min(self.most, len(self.kept.usable)) // BATCH * BATCH


def main(words: list[str] | None = None) -> None:
    """Measure, and print the table and the losses."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slide", type=Path, help="a slide whose file states its resolution; else a phantom")
    parser.add_argument("--tiles", type=int, default=4096, help="how many of its tiles are used, at most")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(words)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        tiles = tiled_twice(Path(name), options.slide, options.tiles)
        refuse_other_pixels(tiles)
        train = rates(training(tiles, options.threads), options.rounds, tiles.count)
        explain = rates(explaining(tiles), options.rounds, tiles.count)
    for title, each in (("training", train), ("explaining", explain)):
        for way, rate in each.items():
            print(f"{title:12}{way:26}{rate:10.0f} tiles/s{100 * loss(each, way):8.1f} % lost")
    figures = {
        "training_lost": round(loss(train, CACHED), 3),
        "training_without_cache_lost": round(loss(train, READ), 3),
        "explaining_lost": round(loss(explain, READ), 3),
        "tiles": tiles.count,
        "threads": options.threads,
    }
    print(json.dumps(figures))


def loss(rates_of: Mapping[str, float], way: str) -> float:
    """Return the fraction of the rate with kept pixels that is lost."""
    return 1 - rates_of[way] / rates_of[KEPT]


def tiled_twice(folder: Path, slide: Path | None, most: int) -> TiledTwice:
    """Tile a slide with kept pixels and without."""
    path = (slide or phantom(folder, 256 * 4)).resolve()
    with open_slide(path, None) as reader:
        mpp = reader.geometry.mpp
    row = SlideRow(slide_id="slide", patient_id="p", path=path.name, split="train")
    source = SlidePixels(path.parent, {row.slide_id: row})
    found = {}
    for keep in ("pixels", "none"):
        recipe = TilingRecipe.model_validate({"mpp": mpp, "tile_px": TILE_PX, "keep": keep})
        out = folder / keep
        out.mkdir()
        tile_slide(row, path.parent, recipe, out)
        found[keep] = TileSet.open(out, source if keep == "none" else None)
    return TiledTwice(found["pixels"], found["none"], folder, most)


def refuse_other_pixels(tiles: TiledTwice) -> None:
    """Stop where the two do not hold the same pixels."""
    some = tiles.kept.usable[:: max(1, len(tiles.kept.usable) // 256)]
    if not np.array_equal(tiles.kept.pixels[some], tiles.read.pixels[some]):
        raise SystemExit("the pixels from the slide are not those that were kept")


def training(tiles: TiledTwice, threads: int) -> dict[str, Work]:
    """Return one epoch of training from each."""
    bench = Bench(Setting("cpu", TILE_PX, BATCH, amp=False, threads=threads), NETWORK)
    rows = tiles.kept.usable[: tiles.count]
    ways = {KEPT: (tiles.kept, 0), CACHED: (tiles.read, CACHE_MB), READ: (tiles.read, 0)}
    generator = np.random.default_rng(0)

    def epoch(labelled: LabelledTiles) -> None:
        arm, changes = arm_of(STANDARD, "cpu"), torch.Generator().manual_seed(0)
        order = generator.permutation(len(labelled))
        for images, _ in labelled.batches(order, BATCH, bench.device):
            bench.step(arm, bench.batch_of(augment(images, AugmentationRecipe(), changes)))

    return {
        way: partial(
            epoch,
            LabelledTiles((each.pixels,), np.zeros_like(rows), rows, torch.from_numpy(rows % 2), cache),
        )
        for way, (each, cache) in ways.items()
    }


def explaining(tiles: TiledTwice) -> dict[str, Work]:
    """Return the explanation of a sample of the slide from each."""
    model = build_classifier(NETWORK, 2, MEAN, STD, seed=0).channels_last().eval()

    def explain(each: TileSet) -> None:
        out, work = tiles.folder / "out", tiles.folder / "work"
        for folder in (out, work):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        settings = AttributionSettings(1, EXPLAINED, tiles_per_slide=tiles.count)
        attribute_slide(model, each, Gradient(), settings, out, work)

    return {KEPT: partial(explain, tiles.kept), READ: partial(explain, tiles.read)}


def rates(works: Mapping[str, Work], rounds: int, count: int) -> dict[str, float]:
    """Return tiles per second of each, by the median of its rounds, after one that does not count."""
    seconds = defaultdict[str, list[float]](list)
    for turn in range(rounds + 1):
        for way, work in works.items():
            started = time.perf_counter()
            work()
            if turn:
                seconds[way].append(time.perf_counter() - started)
    return {way: count / median(each) for way, each in seconds.items()}


if __name__ == "__main__":
    main()
