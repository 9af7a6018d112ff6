"""Draw one slide of a phantom bag: a field of tissue in which every tile holds nuclei of its kind."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.phantoms.bags.plan import PLAIN, A, B, C, D, PhantomBag, stream_of
from tasks.phantoms.bags.recipe import BagPhantomRecipe
from tasks.phantoms.canvas import Field, SlideCanvas
from tasks.phantoms.cells import (
    BENIGN,
    FIBROBLAST,
    LYMPHOCYTE,
    PYKNOTIC,
    TUMOUR,
    Nuclei,
    NucleusKind,
    scatter,
    settle,
)
from tasks.phantoms.ink import INK_DENSITY
from tasks.phantoms.nuclei import draw_nuclei
from tasks.phantoms.slide import Mask
from tasks.phantoms.stains import Rgb, patient_stain, photograph

NUCLEI: dict[int, tuple[NucleusKind, float]] = {
    PLAIN: (BENIGN, 7_000.0),
    A: (TUMOUR, 14_000.0),
    B: (LYMPHOCYTE, 11_000.0),
    C: (FIBROBLAST, 11_000.0),
    D: (PYKNOTIC, 26_000.0),
}
"""The nuclei of each kind of tile, and how many are thrown per square millimetre."""

BORDER = 1
"""Tiles of bare glass around the tissue."""

_CELLS, _STAIN, _CAMERA, _INK = 1, 2, 3, 4


@dataclass(frozen=True)
class DrawnBag:
    """Level 0 of a slide and, for each pixel, the kind of its tile (-1 on glass) and whether it is ink."""

    rgb: Rgb
    kinds: NDArray[np.int64]
    ink: Mask


def draw_bag(bag: PhantomBag, recipe: BagPhantomRecipe) -> DrawnBag:
    """Draw one slide; it depends on the recipe and the slide's number alone."""
    tile = recipe.tile_px
    height, width = ((side + 2 * BORDER) * tile for side in (recipe.rows, recipe.columns))
    canvas = SlideCanvas(width, height, recipe.mpp)
    kinds = np.full((height, width), -1, dtype=np.int64)
    inner = slice(BORDER * tile, -BORDER * tile)
    kinds[inner, inner] = np.kron(bag.kinds, np.ones((tile, tile), dtype=np.int64))
    rng = stream_of(recipe, bag.number, _CELLS)
    cover, amount = _nuclei(canvas, kinds, tile, rng)
    tissue = (kinds >= 0).astype(np.float32)
    grain = 1 + 0.15 * canvas.noise(6, rng)
    hematoxylin = 0.06 * tissue * grain * (1 - cover) + amount
    eosin = 0.42 * tissue * grain * (1 - 0.55 * cover)
    ink = _stamp(canvas, bag, tile)
    pen = np.asarray(INK_DENSITY[0], dtype=np.float32) * 1.5
    stain = patient_stain(recipe.stain_spread, stream_of(recipe, bag.number, _STAIN))
    extra = canvas.soften(ink, 0.7)[..., None] * pen if bag.stamp else None
    rgb = photograph(canvas, (hematoxylin, eosin), extra, stain, stream_of(recipe, bag.number, _CAMERA))
    return DrawnBag(rgb, kinds, ink)


def _nuclei(
    canvas: SlideCanvas, kinds: NDArray[np.int64], tile: int, rng: np.random.Generator
) -> tuple[Field, Field]:
    """Return the cover and the hematoxylin of all nuclei."""
    chromatin = canvas.noise(0.55, rng)
    there = [kind for kind in NUCLEI if (kinds == kind).any()]
    thrown = [
        scatter(canvas, NUCLEI[kind][0], (kinds == kind) * np.float32(NUCLEI[kind][1]), rng) for kind in there
    ]
    whole = tuple(_within(group, tile) for group in thrown)
    drawn = [draw_nuclei(canvas, group, chromatin, rng) for group in settle(whole)]
    cover = np.maximum.reduce([one.cover for one in drawn])
    amount = np.maximum.reduce([one.hematoxylin for one in drawn])
    return cover, amount


def _within(nuclei: Nuclei, tile: int) -> Nuclei:
    """Return the nuclei that lie in one tile by more than half of their radius: no tile is of two kinds."""
    inside = nuclei.points % tile
    nearest = np.minimum(inside, tile - inside).min(axis=1)
    return nuclei.keep(nearest > 0.7 * nuclei.radius)


def _stamp(canvas: SlideCanvas, bag: PhantomBag, tile: int) -> Mask:
    """Return the pixels of the stamp: a ring with a bar across its tile."""
    ink = np.zeros(canvas.shape, dtype=bool)
    if bag.stamp is None:
        return ink
    y, x = (np.mgrid[0:tile, 0:tile] + 0.5) / tile - 0.5
    distance = np.hypot(x, y)
    shape = ((distance > 0.28) & (distance < 0.42)) | ((np.abs(y) < 0.07) & (distance < 0.42))
    row, column = (place + BORDER for place in bag.stamp)
    ink[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile] = shape
    return ink
