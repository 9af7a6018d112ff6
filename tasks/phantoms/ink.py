"""Pen marks on the cover glass: a planted confounder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import LineString

from tasks.phantoms.canvas import Canvas
from tasks.phantoms.layout import Island, largest
from tasks.phantoms.plan import CLEAN, SlidePlan, stream
from tasks.phantoms.recipe import PhantomRecipe

INK_DENSITY = ((0.5, 0.13, 0.34), (0.56, 0.33, 0.08))
"""Optical density in red, green and blue of a green and of a blue pen."""


@dataclass(frozen=True)
class InkMarks:
    """Optical density [height, width, 3] that the ink adds (None without ink), and its pixels."""

    density: NDArray[np.float32] | None
    mask: NDArray[np.bool_]


def marked_islands(plan: SlidePlan, recipe: PhantomRecipe, islands: tuple[Island, ...]) -> tuple[Island, ...]:
    """Choose the islands that a pen marked: the nests outside test slides, there any half of the islands."""
    if not recipe.confounder or plan.site == CLEAN:
        return ()
    if plan.split != "test":
        return tuple(island for island in islands if island.tumour)
    chance = stream(recipe.seed, (*plan.key, 1), "ink").random(len(islands))
    return tuple(island for island, draw in zip(islands, chance, strict=True) if draw < 0.5)


def draw_ink(canvas: Canvas, islands: tuple[Island, ...], rng: np.random.Generator) -> InkMarks:
    """Draw one wavy stroke over each of ``islands``, all of one slide with one pen."""
    mask = np.zeros(canvas.shape, dtype=bool)
    if not islands:
        return InkMarks(None, mask)
    pen = np.asarray(INK_DENSITY[int(rng.integers(len(INK_DENSITY)))], dtype=np.float32)
    for island in islands:
        mask |= _stroke(canvas, island, rng)
    flow = canvas.soften(mask, 1.5) * np.clip(0.75 + 0.12 * canvas.noise(16, rng), 0.3, 1)
    return InkMarks((flow[..., None] * pen).astype(np.float32), mask)


def _stroke(canvas: Canvas, island: Island, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return the pixels of a stroke along the island's longer side, kept within the island."""
    left, top, right, bottom = island.outline.bounds
    along = np.linspace(-0.5, 0.5, 60)
    length = 1.1 * max(right - left, bottom - top)
    wave = canvas.px(16) * np.sin(along * rng.uniform(7, 12) + rng.uniform(0, 6))
    turn = rng.uniform(-0.4, 0.4) + (0.0 if right - left > bottom - top else np.pi / 2)
    centre = island.outline.representative_point()
    x = centre.x + along * length * np.cos(turn) - wave * np.sin(turn)
    y = centre.y + along * length * np.sin(turn) + wave * np.cos(turn)
    line = LineString(np.stack([x, y], axis=1)).buffer(canvas.px(rng.uniform(18, 27)))
    kept = largest(line.intersection(island.outline))
    return canvas.inside(kept) if not kept.is_empty else np.zeros(canvas.shape, dtype=bool)
