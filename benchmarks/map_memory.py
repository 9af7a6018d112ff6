"""Peak memory of explaining and drawing one slide of N and of 4 N tiles.

    python -m benchmarks.map_memory [--tiles 500] [--tile-px 224]

Each measurement runs in a process of its own, on a made tile set: a square of tiles with pixels of zeros
that take no room, one annotated column, and maps of noise. *explain* is the gradient of a small network.
*draw* has both exports, on a canvas that is as long as it may be at both sizes. Memory is what the process
holds beside mapped files, which the kernel may drop at any time.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from tasks.artifacts.attributions import MAP_SCALE, PixelMaps, create_maps
from tasks.artifacts.explained_samples import INDEX
from tasks.artifacts.tile_set import ANNOTATION_MASK, COLUMNS, PIXELS, SLIDE, TILES, TISSUE_MASK, TileSet
from tasks.explainers.gradient import Gradient
from tasks.explaining.block import AttributionSettings
from tasks.explaining.slide import attribute_slide
from tasks.functional.half_maps import half_maps
from tasks.functional.pixels import spans
from tasks.reporting.heatmaps.draw import draw_slide
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapJob, HeatmapRecipe
from tasks.slides.geometry import SlideGeometry

LONGEST_PX = 2048
THUMBNAIL_PX = 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiles", type=int, default=500)
    parser.add_argument("--tile-px", type=int, default=224)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.one:
        print(json.dumps(measure(told.one[0], Path(told.one[1]))))
        return
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in (told.tiles, 4 * told.tiles):
            home = Path(folder) / str(count)
            make(home, count, told.tile_px)
            for what in ("explain", "draw"):
                figures[f"{what}, {count} tiles"] = in_child(what, home)
    for name, own in figures.items():
        print(f"{name:24}" + "".join(f"  {key} {value:.1f}" for key, value in own.items()))
    print(json.dumps(figures))


def in_child(what: str, home: Path) -> dict[str, float]:
    """Return the figures of one measurement, made by a process of its own."""
    words = [sys.executable, "-m", "benchmarks.map_memory", "--one", what, str(home)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(what: str, home: Path) -> dict[str, float]:
    """Return peak memory in MB, seconds, and MB of the payload."""
    tiles, out = TileSet(home / "tiles"), home / what
    out.mkdir()
    watch = Watch()
    started = time.perf_counter()
    if what == "explain":
        (home / "work").mkdir()
        settings = AttributionSettings(target=1, map_dtype="float16")
        attribute_slide(small_network(), tiles, Gradient(), settings, out, home / "work")
    else:
        draw_slide(drawn_job(tiles, PixelMaps(home / "maps")), out)
    seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    return {"peak_mb": watch.peak_mb(), "seconds": seconds, "payload_mb": size}


class Watch:
    """Notes the largest anonymous memory of this process, a hundred times a second."""

    def __init__(self) -> None:
        self._peak, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def peak_mb(self) -> float:
        """Stop and return it."""
        self._done.set()
        self._thread.join()
        return self._peak / 1024

    def _look(self) -> None:
        while not self._done.wait(0.01):
            lines = Path("/proc/self/status").read_text().splitlines()
            line = next(line for line in lines if line.startswith("RssAnon"))
            self._peak = max(self._peak, int(line.split()[1]))


def small_network() -> nn.Module:
    """A convolution of stride 4 and a linear layer: little work per tile, so that all else shows."""
    layers = nn.Conv2d(3, 8, 8, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
    return nn.Sequential(*layers).eval()


def drawn_job(tiles: TileSet, maps: PixelMaps) -> HeatmapJob:
    """One model with both exports."""
    recipe = HeatmapRecipe(exports=("geojson", "ome_tiff"), max_side_px=LONGEST_PX)
    item = HeatmapCheckpoint("standard", 0, maps)
    return HeatmapJob(
        tiles, "gradient", True, ("normal", "tumour"), 1, (item,), lambda p: float(p.max()), recipe
    )


def make(home: Path, count: int, tile_px: int) -> None:
    """Write a tile set and maps of all its tiles below ``home``."""
    for name in ("tiles", "maps"):
        (home / name).mkdir(parents=True)
    side = math.isqrt(count)
    row, column = np.divmod(np.arange(count), side)
    shape = (count, tile_px, tile_px)
    for name, size in ((PIXELS, (*shape, 3)), (TISSUE_MASK, shape), (ANNOTATION_MASK, shape)):
        # Never written to: a sparse file.
        array = np.lib.format.open_memmap(home / "tiles" / name, "w+", np.uint8, size)
        if name == ANNOTATION_MASK:
            array[column == 0] = 1
    table = pd.DataFrame(dict.fromkeys(COLUMNS, ""), index=range(count)).assign(
        tile_id=[f"s/{c}_{r}" for r, c in zip(row, column, strict=True)], slide_id="s", section=1,
        x_level0=column * float(tile_px), y_level0=row * float(tile_px), extent_level0=float(tile_px),
        mpp=0.5, tissue_fraction=1.0, state="ok", coverage_tumour=(column == 0).astype(float),
    )  # fmt: skip
    table.to_parquet(home / "tiles" / TILES, index=False)
    _write_slide(home / "tiles", side * tile_px, int(row.max() + 1) * tile_px)
    _write_maps(home / "maps", table, shape)


def _write_maps(folder: Path, table: pd.DataFrame, shape: tuple[int, int, int]) -> None:
    generator, scales = torch.Generator().manual_seed(0), []
    array = create_maps(folder, shape[0], shape[1], "float16")
    for span in spans(shape[0], 256):
        half, scale = half_maps(torch.randn(span.stop - span.start, *shape[1:], generator=generator))
        array[span] = half.numpy()
        scales.append(scale)
    index = pd.DataFrame({"tile_id": table["tile_id"], "target": 1, "logit_0": 0.0, "logit_1": 0.5})
    index.assign(**{MAP_SCALE: torch.cat(scales).numpy()}).to_parquet(folder / INDEX, index=False)


def _write_slide(folder: Path, width: int, height: int) -> None:
    step = max(width, height) / THUMBNAIL_PX
    thumbnail = round(width / step), round(height / step)
    geometry = SlideGeometry(
        width_level0=width, height_level0=height, mpp=0.5, mpp_y=0.5, mpp_source="metadata",
        bounds_x=0, bounds_y=0, bounds_width=width, bounds_height=height, level_downsamples=(1.0,),
        thumbnail_width=thumbnail[0], thumbnail_height=thumbnail[1],
        thumbnail_downsample_x=width / thumbnail[0], thumbnail_downsample_y=height / thumbnail[1],
    )  # fmt: skip
    info = {
        "slide_id": "s", "geometry": geometry.model_dump(mode="json"), "classes": ["normal", "tumour"],
        "sections": [], "counts": {}, "failed_tiles": 0, "saturation_threshold": 0.1, "repaired_outlines": 0,
    }  # fmt: skip
    (folder / SLIDE).write_text(json.dumps(info))
    Image.new("RGB", thumbnail, (200, 180, 200)).save(folder / "thumbnail.png")


if __name__ == "__main__":
    main()
