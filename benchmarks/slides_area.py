"""What the area filter changes: grey levels of tiles, and what a classifier answers about them."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.training import MEAN, STD
from tasks.models.classifier import build_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.slides.first_look import look
from tasks.slides.level_region import Rgb
from tasks.slides.pixels import Resample
from tasks.slides.reader import open_slide
from tasks.tiling.layout import lay_out
from tasks.tiling.recipe import TilingRecipe

TILE_PX = 224
RESOLUTIONS = (0.5, 1.0, 2.0)


def print_area(slide: Path, tiles: int) -> None:
    """Print, for some resolutions, how tiles by the area filter differ from those by Lanczos."""
    columns = ("um/px", "tiles", "levels", "mean", "contrast", "margin", "of sd", "flips")
    print("".join(f"{name:>9}" for name in columns))
    for mpp in RESOLUTIONS:
        lanczos, area = (_tiles(slide, mpp, tiles, resample) for resample in ("lanczos", "area"))
        margins = [_margins(each) for each in (lanczos, area)]
        moved = np.abs(margins[1] - margins[0]).mean()
        levels = np.abs(area.astype(int) - lanczos).mean()
        shift = area.mean() - lanczos.mean()
        contrast = np.mean(area.std(axis=(1, 2)) / lanczos.std(axis=(1, 2)))
        flips = np.mean((margins[0] > np.median(margins[0])) != (margins[1] > np.median(margins[0])))
        values = (mpp, len(lanczos), levels, shift, contrast, moved, moved / margins[0].std(), flips)
        print("".join(f"{value:9.4g}" for value in values))


def _tiles(slide: Path, mpp: float, count: int, resample: Resample) -> Rgb:
    recipe = TilingRecipe(mpp=mpp, tile_px=TILE_PX, max_enlargement=2)
    with open_slide(slide, None, resample=resample, choice=look(slide)) as reader:
        found = lay_out(reader, recipe, slide.name).positions
        tiles, _ = reader.read_tiles(found.x[:count], found.y[:count], found.extent, TILE_PX)
    return tiles


def _margins(tiles: Rgb) -> np.ndarray:
    """Return the margin between two classes for each tile, of a network with random weights, [N]."""
    recipe = NetworkRecipe.model_validate({"name": "resnet18", "width": 0.25})
    network = build_classifier(recipe, 2, MEAN, STD, seed=0).eval()
    with torch.no_grad():
        logits = torch.cat(
            [network(torch.from_numpy(part).permute(0, 3, 1, 2) / 255) for part in np.array_split(tiles, 20)]
        )
    margins: np.ndarray = (logits[:, 1] - logits[:, 0]).numpy()
    return margins
