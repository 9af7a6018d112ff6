"""What the host delivers to a device, beside what 2,000 and 6,000 tiles per second need.

    python -m benchmarks.feed [--slide PATH] [--tile-px 224] [--seconds 3]

A GPU of today may train a ResNet-18 at 224 px on 2,000 to 6,000 tiles per second. Before it can, each tile is
read from its slide or gathered from kept pixels, and copied into a pinned buffer. Each of these is measured
alone, in tiles per second of CPU time, so that the table can say how many cores a rate needs; a busy machine
disturbs that little. Rates of augmentation and of the conversion to floats are of the host too. With a GPU
both are done there, since bytes cross and floats do not.

Without ``--slide`` a phantom of JPEG tiles is written and read. It is in the memory of the operating system,
as a local slide is after the first epoch. ``in blocks`` reads a batch of neighbours, ``random`` tiles from
anywhere.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.training import random_tiles
from tasks.functional.pixels import channels_last_images
from tasks.functional.staging import StagingRing
from tasks.phantoms.files import write_pyramid
from tasks.slides.reader import SlideReader, open_slide
from tasks.training.augment import augment
from tasks.training.recipe import AugmentationRecipe

WANTED = (2000, 6000)
"""Tiles per second at 224 px that a GPU may train on."""

BATCH = 128
KEPT_BYTES = 300 << 20
"""Kept pixels that are gathered from, at most."""

SIDE = 32
"""Phantom slides are so many source tiles of 256 px wide at the least: more than a reader keeps decoded."""

WAYS: Mapping[str, Sequence[str]] = {
    "kept pixels": ("kept, random", "to a buffer"),
    "slides, in blocks": ("slide, in blocks", "to a buffer"),
    "slides, random": ("slide, random", "to a buffer"),
}
"""What a tile goes through on the host on its way to a device."""

Work = Callable[[], object]


def main(words: list[str] | None = None) -> None:
    """Print the table and the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slide", type=Path, help="a slide to read from; else a phantom is made")
    parser.add_argument("--tile-px", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each is measured, at least")
    options = parser.parse_args(words)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rates = host_rates(options.tile_px, options.seconds, device, options.slide)
    print(f"{options.tile_px} px, CPU time{'' if device == 'cuda' else ', buffers not pinned: no GPU'}")
    print(f"{'':28}{'tiles/s':>10}{'MB/s':>8}")
    for name, rate in rates.items():
        print(f"{name:28}{rate:10.0f}{rate * options.tile_px**2 * 3 / 1e6:8.0f}")
    cores = {way: cores_for(rates, steps) for way, steps in WAYS.items()}
    print(f"{'cores needed':28}" + "".join(f"{f'{wanted:,}/s':>10}" for wanted in WANTED))
    for way, needed in cores.items():
        print(f"{way:28}" + "".join(f"{count:10.1f}" for count in needed.values()))
    print(json.dumps({"tile_px": options.tile_px, "tiles_per_second": rates, "cores": cores}))


def cores_for(rates: Mapping[str, float], steps: Sequence[str]) -> dict[str, float]:
    """Return how many cores each wanted rate needs, if a tile goes through all ``steps`` on one of them."""
    seconds = sum(1 / rates[step] for step in steps)
    return {str(wanted): round(wanted * seconds, 2) for wanted in WANTED}


def host_rates(tile_px: int, seconds: float, device: str, slide: Path | None = None) -> dict[str, float]:
    """Return tiles per second of CPU time of every step on the host."""
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        path = slide or phantom(Path(folder), tile_px)
        with open_slide(path, None) as reader:
            works = {
                **gathering(Path(folder), tile_px),
                **reading(reader, tile_px),
                **changing(tile_px, device),
            }
            return {name: round(BATCH * times_per_second(work, seconds)) for name, work in works.items()}


def times_per_second(work: Work, seconds: float) -> float:
    """Return how often ``work`` can be done in a second of all threads' CPU time, after one time first."""
    work()
    started, times = time.process_time(), 0
    while not times or time.process_time() - started < seconds:
        work()
        times += 1
    return times / (time.process_time() - started)


@contextmanager
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def gathering(folder: Path, tile_px: int) -> dict[str, Work]:
    """Return a batch gathered from kept pixels, from anywhere and in their order."""
    tile_bytes = 3 * tile_px**2
    count = max(2, KEPT_BYTES // tile_bytes // BATCH) * BATCH
    kept = np.lib.format.open_memmap(folder / "kept.npy", "w+", np.uint8, (count, tile_px, tile_px, 3))
    kept.reshape(-1, BATCH, tile_px, tile_px, 3)[:] = random_tiles(BATCH, tile_px).numpy()
    generator, places = np.random.default_rng(0), np.arange(count).reshape(-1, BATCH)
    turns = iter(lambda: int(generator.integers(len(places))), -1)
    return {
        "kept, random": lambda: kept[generator.integers(count, size=BATCH)],
        "kept, in order": lambda: kept[places[next(turns)]],
    }


def reading(reader: SlideReader, tile_px: int) -> dict[str, Work]:
    """Return a batch of level-0 tiles read from a slide, neighbours and from anywhere."""
    geometry, generator = reader.geometry, np.random.default_rng(0)
    columns, rows = int(geometry.width_level0 // tile_px), int(geometry.height_level0 // tile_px)
    everything = np.stack(np.divmod(np.arange(columns * rows), columns), axis=1)[:, ::-1] * tile_px
    starts = np.arange(max(1, len(everything) - BATCH + 1))

    def neighbours() -> object:
        start = generator.choice(starts)
        return tiles_of(reader, np.resize(everything[start : start + BATCH], (BATCH, 2)), tile_px)

    def anywhere() -> object:
        return tiles_of(reader, generator.choice(everything, BATCH), tile_px)

    return {"slide, in blocks": neighbours, "slide, random": anywhere}


def tiles_of(reader: SlideReader, corners: NDArray[np.int64], tile_px: int) -> NDArray[np.uint8]:
    """Return uint8 [N, tile_px, tile_px, 3] of the tiles at ``corners`` [N, 2]."""
    pixels, _ = reader.read_tiles(corners[:, 0], corners[:, 1], float(tile_px), tile_px)
    return pixels


def changing(tile_px: int, device: str) -> dict[str, Work]:
    """Return a batch copied into a buffer, turned into floats, and augmented, on the host."""
    pixels, changes = random_tiles(BATCH, tile_px), torch.Generator().manual_seed(0)
    ring, images = StagingRing(2, pinned=device.startswith("cuda")), channels_last_images(pixels)
    return {
        "to a buffer": partial(ring.fill, pixels),
        "to floats": lambda: channels_last_images(pixels),
        "augmented": lambda: augment(images, AugmentationRecipe(), changes),
    }


def phantom(folder: Path, tile_px: int) -> Path:
    """Write a slide with level 0 of stained texture, and return its path."""
    side = 256 * max(SIDE, -(-4 * tile_px // 256))
    block = random_tiles(16, 256).numpy().reshape(4, 4, 256, 256, 3).swapaxes(1, 2).reshape(1024, 1024, 3)
    path = folder / "phantom.tiff"
    write_pyramid(path, np.tile(block, (side // 1024 + 1, side // 1024 + 1, 1))[:side, :side], 0.5, 85)
    return path


if __name__ == "__main__":
    main()
