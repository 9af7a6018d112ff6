"""Where the attack on the divergence goes, by how it starts: on the training tiles of a network of a study.

    python -m benchmarks.attack_starts [--home .veritile] [--arm standard] [--tiles 512] [--eps 0.0157]

Reads the first stored checkpoint of the arm and tiles of the split ``train`` from the home. The table says,
for every start and number of steps: the mean divergence reached, the share of tiles whose prediction flips,
and the share of tiles that become *more* certain of the class first predicted.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.store import Store
from tasks.artifacts.tile_set import TileSet
from tasks.functional.divergence import kl_divergence
from tasks.functional.odds import log_odds
from tasks.functional.pixels import spans
from tasks.models.classifier import Classifier, load_classifier
from tasks.regularizers.trades import Trades
from tasks.training.tiles import labelled_tiles
from tasks.training_step.step import Batch, Step

STARTS = Trades.model_json_schema()["properties"]["start"]["enum"]
STEPS = (1, 3, 10)
_BATCH = 64


def main() -> None:
    """Print one row a start and number of steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".veritile"))
    parser.add_argument("--arm", default="standard")
    parser.add_argument("--tiles", type=int, default=512)
    parser.add_argument("--eps", type=float, default=Trades().eps)
    asked = parser.parse_args()
    store = Store(asked.home)
    checkpoint = _checkpoint(store, asked.arm)
    images, labels = _tiles(store, checkpoint, asked.tiles)
    model = load_classifier(checkpoint, torch.device("cpu"))
    print(f"{len(images)} training tiles, eps {asked.eps * 255:.1f}/255")
    for steps in STEPS:
        for start in STARTS:
            method = Trades(eps=asked.eps, steps=steps, start=start)
            print(json.dumps({"steps": steps, "start": start, **figures(model, images, labels, method)}))


def figures(model: Classifier, images: Tensor, labels: Tensor, method: Trades) -> dict[str, float]:
    """Return what the attack of ``method`` does to images [N, 3, H, W] of ``labels`` [N]."""
    clean, moved = (torch.cat(parts) for parts in zip(*_logits(model, images, labels, method), strict=True))
    predicted = clean.argmax(1)
    return {
        "kl": round(kl_divergence(clean, moved).mean().item(), 3),
        "flipped": round((moved.argmax(1) != predicted).double().mean().item(), 3),
        "more_certain": round(
            (log_odds(moved, predicted) > log_odds(clean, predicted)).double().mean().item(), 3
        ),
    }


def _logits(
    model: Classifier, images: Tensor, labels: Tensor, method: Trades
) -> Iterator[tuple[Tensor, Tensor]]:
    for number, span in enumerate(spans(len(images), _BATCH)):
        part = images[span]
        batch = Batch(part, labels[span], torch.arange(len(part)), len(images))
        generator = torch.Generator().manual_seed(number)
        step = Step(model, batch, 1, 1.0, cached=method.cached_values(), generator=generator)
        moved = method.attacked(step)
        with torch.no_grad():
            yield model(part).double(), model(moved).double()


def _checkpoint(store: Store, arm: str) -> Checkpoint:
    for record in store.records(Checkpoint.kind()):
        if record.spec.label.startswith(f"train/{arm}/"):
            return Checkpoint(store.folder(record))
    raise SystemExit(f"there is no checkpoint of an arm {arm!r} in this home; run a study with one first")


def _tiles(store: Store, checkpoint: Checkpoint, most: int) -> tuple[Tensor, Tensor]:
    """Return images float32 [N, 3, H, W] and labels [N] of tiles of the checkpoint's size, drawn once."""
    found = [TileSet(store.folder(record)) for record in store.records(TileSet.kind())]
    size = checkpoint.info.tile_px
    fitting = [tiles for tiles in found if len(tiles.table) and tiles.pixels.shape[1] == size]
    tiles = labelled_tiles(fitting, "train", checkpoint.info.classes)
    chosen = torch.randperm(len(tiles), generator=torch.Generator().manual_seed(0))[:most].numpy()
    return tiles.gather(chosen).permute(0, 3, 1, 2).float() / 255, tiles.labels[chosen]


if __name__ == "__main__":
    main()
