"""Small synthetic tile sets with known classes, outlines and evidence, for tests that need no slide."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.tile_set import (
    ANNOTATION_MASK,
    COLUMNS,
    EVIDENCE_MASK,
    MIXED,
    PIXELS,
    TILES,
    TISSUE_MASK,
    TileSet,
)

GRID_COLUMNS = 5
"""Tiles in a row of the grid: two of the first class, one that the outline crosses, two outlined."""

LEVEL0_MPP = 0.5
TILE_MPP = 1.0

_BACKGROUND = np.array([222.0, 182.0, 208.0])
_NUCLEUS = np.array([[80.0, 66.0, 140.0], [150.0, 50.0, 110.0], [60.0, 110.0, 70.0], [120.0, 90.0, 40.0]])


def make_tile_set(
    folder: Path,
    slide_id: str,
    patient_id: str,
    split: str,
    count: int,
    tile_px: int = 16,
    seed: int = 0,
    classes: tuple[str, ...] = ("normal", "tumour"),
    failed: tuple[int, ...] = (),
) -> TileSet:
    """Write a valid TileSet payload of ``count`` tiles into ``folder`` (made if absent) and open it.

    The grid is row-major with five tiles a row: two of ``classes[0]``, one ``mixed`` (its right half is
    outlined), two of an outlined class (row by row the next one). Every tile holds one dark nucleus; its
    colour and size say the class, and in outlined tiles it is the evidence. The lower half of the rows is
    a second section. ``slide.json`` and the pictures are left out. Rows in ``failed`` are white, state
    ``failed``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([seed, int(hashlib.sha256(slide_id.encode()).hexdigest()[:8], 16)])
    outlined = np.array([1 + (i // GRID_COLUMNS) % (len(classes) - 1) for i in range(count)])
    column = np.arange(count) % GRID_COLUMNS
    kind = np.where(column < 2, 0, outlined)
    pixels, nucleus = _draw(generator, kind, tile_px)
    pixels[list(failed)] = 255
    annotation = _annotation(column, outlined, tile_px)
    np.save(folder / PIXELS, pixels)
    np.save(folder / TISSUE_MASK, np.ones((count, tile_px, tile_px), np.uint8))
    np.save(folder / ANNOTATION_MASK, annotation)
    np.save(folder / EVIDENCE_MASK, (nucleus & (annotation > 0)).astype(np.uint8))
    table = _table(slide_id, patient_id, split, tile_px, kind, classes)
    table.loc[list(failed), ["state", "reason"]] = ["failed", "unreadable"]
    for index, name in enumerate(classes[1:], start=1):
        table[f"coverage_{name}"] = (annotation == index).mean(axis=(1, 2))
    table.to_parquet(folder / TILES, index=False)
    return TileSet(folder)


def make_cohort(
    folder: Path, count: int = 40, tile_px: int = 16, classes: tuple[str, ...] = ("normal", "tumour")
) -> tuple[TileSet, ...]:
    """Write four slides of ``count`` tiles: two patients to train on, one to validate on, one to test on."""
    plan = (("a1", "a", "train"), ("b1", "b", "train"), ("c1", "c", "val"), ("d1", "d", "test"))
    return tuple(
        make_tile_set(folder / slide, slide, patient, split, count, tile_px, classes=classes)
        for slide, patient, split in plan
    )


def _draw(generator: np.random.Generator, kind: np.ndarray, tile_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 [N, P, P, 3] and the nucleus as bool [N, P, P]; class k has a nucleus of its own."""
    count = len(kind)
    centre = generator.uniform(0.35, 0.65, size=(count, 2, 1, 1)) * tile_px
    radius = (tile_px * np.where(kind == 0, 0.16, 0.26))[:, None, None]
    rows, columns = np.mgrid[0:tile_px, 0:tile_px] + 0.5
    nucleus = (rows - centre[:, 0]) ** 2 + (columns - centre[:, 1]) ** 2 <= radius**2
    colour = _NUCLEUS[kind % len(_NUCLEUS)][:, None, None]
    image = np.where(nucleus[..., None], colour, _BACKGROUND)
    image = image + generator.normal(0, 6, size=(1, 1, 1, 3)) + generator.normal(0, 8, size=image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), nucleus


def _annotation(column: np.ndarray, outlined: np.ndarray, tile_px: int) -> np.ndarray:
    mask = np.zeros((len(column), tile_px, tile_px), np.uint8)
    mask[column > 2] = outlined[column > 2, None, None]
    mask[column == 2, :, tile_px // 2 :] = outlined[column == 2, None, None]
    return mask


def _table(
    slide_id: str, patient_id: str, split: str, tile_px: int, kind: np.ndarray, classes: tuple[str, ...]
) -> pd.DataFrame:
    count = len(kind)
    row, column = np.divmod(np.arange(count), GRID_COLUMNS)
    extent = tile_px * TILE_MPP / LEVEL0_MPP
    x, y = column * extent, row * extent
    values = {
        "tile_id": [f"{slide_id}/{int(left)}_{int(top)}" for left, top in zip(x, y, strict=True)],
        "slide_id": slide_id,
        "patient_id": patient_id,
        "site": "",
        "split": split,
        "section": np.where(row < (row.max() + 1) / 2, 1, 2),
        "x_level0": x,
        "y_level0": y,
        "extent_level0": extent,
        "mpp": TILE_MPP,
        "tissue_fraction": 1.0,
        "label": np.where(column == 2, MIXED, np.array(classes)[kind]),
        "state": "ok",
        "reason": "",
    }
    return pd.DataFrame(values)[list(COLUMNS)]
