"""How far the border of a tile is felt, and what a halo leaves of it.

    python -m benchmarks.tile_border STUDY.yaml [--home .veritile] [--data-root FOLDER] [--tiles 48]

Takes the trained networks of a study that was run, and the same networks re-initialised. For each halo it
reads what surrounds the tiles of the explained slides, at most ``--tiles`` per slide, and takes the gradient.
``border`` is mean |gradient| in the outer 8 px of a tile over that of the pixels at least 16 px inside.
``bands`` is the same by distance to the border, in steps of 4 px. ``same_class`` is the share of tiles for
which the margin of the larger image has the sign of that of the tile, and ``correlation`` that of both.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from flows.config import load_study
from flows.open_study import open_study
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_set import TileSet
from tasks.explain import explained_slides
from tasks.functional.gradients import input_gradient, target_margin
from tasks.functional.halo import images_at_once, middle
from tasks.functional.pixels import spans, to_images
from tasks.functional.reinitialise import reinitialised
from tasks.models.classifier import load_classifier
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.surround import HaloJob, surround_tiles
from tasks.train import models, target_of

HALOS = (0, 8, 16, 24, 32, 48, 64)
BAND, BORDER, INSIDE = 4, 8, 16


@dataclass(frozen=True)
class Profile:
    """Mean |gradient| [H, W] over tiles, and the margins of all tiles."""

    gradient: NDArray[np.float64]
    margins: NDArray[np.float64]

    @property
    def border(self) -> float:
        """Mean of the outer 8 px over that of the middle."""
        return self._over_middle(0, BORDER)

    @property
    def bands(self) -> list[float]:
        """Means by distance to the border over that of the middle."""
        half = len(self.gradient) // 2
        return [round(self._over_middle(start, start + BAND), 2) for start in range(0, half, BAND)]

    def _over_middle(self, start: int, stop: int) -> float:
        along = np.minimum(np.arange(len(self.gradient)), np.arange(len(self.gradient))[::-1])
        distance = np.minimum(along[:, None], along[None])
        band = self.gradient[(distance >= start) & (distance < stop)]
        return float(band.mean() / self.gradient[distance >= INSIDE].mean())


def main() -> None:
    """Print one row per halo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--home", type=Path, default=Path(".veritile"))
    parser.add_argument("--data-root", type=Path, default=None)
    parser.add_argument("--tiles", type=int, default=48)
    asked = parser.parse_args()
    study = open_study(load_study(asked.study), asked.home, asked.data_root)
    trained = _networks(study)
    untrained = [reinitialised(network, 0).eval().requires_grad_(False) for network in trained]
    rows, tile = [], _profiles(study, trained, 0, asked.tiles)
    for halo_px in HALOS:
        seen = _profiles(study, trained, halo_px, asked.tiles)
        unseen = _profiles(study, untrained, halo_px, asked.tiles)
        rows.append(_row(study, halo_px, tile, seen, unseen))
        print(rows[-1])
    print(json.dumps({"study": study.name, "networks": len(trained), "halos": rows}))


def _row(
    study: Study, halo_px: int, tile: Sequence[Profile], seen: Sequence[Profile], unseen: Sequence[Profile]
) -> dict[str, object]:
    side = study.section(TilingRecipe).tile_px
    pairs = [(a.margins, b.margins) for a, b in zip(tile, seen, strict=True)]
    return {
        "halo_px": halo_px,
        "pixels": round((side + 2 * halo_px) ** 2 / side**2, 2),
        "border_trained": _mean([p.border for p in seen]),
        "border_untrained": _mean([p.border for p in unseen]),
        "bands_trained": seen[0].bands,
        "same_class": _mean([float(((a > 0) == (b > 0)).mean()) for a, b in pairs]),
        "correlation": _mean([float(np.corrcoef(a, b)[0, 1]) for a, b in pairs]),
    }


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 3)


def _networks(study: Study) -> list[nn.Module]:
    """Return the stored networks of the study's models."""
    wanted = {model.checkpoint.label for model in models(study)}
    stored = {record.spec.label: record for record in study.store.records("Checkpoint")}
    missing = sorted(wanted - set(stored))
    if missing:
        raise SystemExit(f"{missing[0]} is not stored in {study.home}; run the study first")
    paths = [study.store.path(stored[label].reference) for label in sorted(wanted)]
    found = [load_classifier(Checkpoint(path), torch.device("cpu")) for path in paths]
    return [network.requires_grad_(False) for network in found]


def _profiles(study: Study, networks: Sequence[nn.Module], halo_px: int, most: int) -> list[Profile]:
    """Return the profile of each network, over the tiles of all explained slides."""
    side = study.section(TilingRecipe).tile_px
    sums = [np.zeros((side, side)) for _ in networks]
    margins: list[list[NDArray[np.float64]]] = [[] for _ in networks]
    count = 0
    for images in _images(study, halo_px, most):
        targets = torch.full((len(images),), target_of(study), dtype=torch.int64)
        count += len(images)
        for place, network in enumerate(networks):
            gradient, margin = _asked(network, images, targets)
            sums[place] += middle(gradient.sum(1), halo_px).abs().double().sum(0).numpy()
            margins[place].append(margin.double().numpy())
    return [Profile(total / count, np.concatenate(found)) for total, found in zip(sums, margins, strict=True)]


def _asked(network: nn.Module, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        margin = target_margin(network(images), targets)
    return input_gradient(network, images, targets), margin


def _images(study: Study, halo_px: int, most: int) -> Iterator[Tensor]:
    """Yield surrounded tiles of the explained slides, float32 [B, 3, H + 2 halo, W + 2 halo]."""
    tiling = study.section(TilingRecipe)
    stored = {record.spec.label: record for record in study.store.records("TileSet")}
    for slide in explained_slides(study):
        tiles = TileSet(study.store.path(stored[f"tile/{slide}"].reference))
        with TemporaryDirectory() as folder:
            job = HaloJob(halo_px, most, tiling)
            surround_tiles(study.row[slide], study.data_root, tiles, job, Path(folder))
            pixels = SurroundedTiles(Path(folder)).pixels
            for part in spans(len(pixels), images_at_once(32, tiling.tile_px, halo_px)):
                yield to_images(pixels[part].copy(), torch.device("cpu"))


if __name__ == "__main__":
    main()
