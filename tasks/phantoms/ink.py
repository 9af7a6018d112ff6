"""Pen marks on the cover glass: a planted confounder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon

from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.layout import Island
from tasks.phantoms.plan import CLEAN, SCATTERED, SlidePlan, stream
from tasks.phantoms.recipe import PhantomRecipe

INK_DENSITY = ((0.5, 0.13, 0.34), (0.56, 0.33, 0.08))
"""Optical density in red, green and blue of a green and of a blue pen."""

STROKE_UM = (5.0, 7.0)
"""Lowest and highest width of a slide's strokes: thin enough that the nuclei between them can be read."""

APART_UM = 26.0
"""Distance of the middles of two strokes: a tile of 32 um in a marked island has ink on it, so that a network
can tell every marked tile by the ink alone."""


@dataclass(frozen=True)
class InkMarks:
    """Optical density [height, width, 3] that the ink adds (None without ink), and its pixels."""

    density: NDArray[np.float32] | None
    mask: NDArray[np.bool_]


def marked_islands(plan: SlidePlan, recipe: PhantomRecipe, islands: tuple[Island, ...]) -> tuple[Island, ...]:
    """Choose the islands marked by pen: the nests, or a random half of all where ink says nothing."""
    if not recipe.confounder or plan.site == CLEAN:
        return ()
    if plan.split != "test" and plan.site != SCATTERED:
        return tuple(island for island in islands if island.tumour)
    chance = stream(recipe.seed, (*plan.key, 1), "ink").random(len(islands))
    return tuple(island for island, draw in zip(islands, chance, strict=True) if draw < 0.5)


def draw_ink(canvas: SlideCanvas, islands: tuple[Island, ...], rng: np.random.Generator) -> InkMarks:
    """Hatch each of ``islands`` with wavy strokes, all of one slide with one pen."""
    mask = np.zeros(canvas.shape, dtype=bool)
    if not islands:
        return InkMarks(None, mask)
    pen = np.asarray(INK_DENSITY[int(rng.integers(len(INK_DENSITY)))], dtype=np.float32)
    for island in islands:
        mask |= canvas.inside(*_strokes(canvas, island, rng))
    flow = canvas.soften(mask, 0.7) * np.clip(0.85 + 0.12 * canvas.noise(16, rng), 0.3, 1)
    return InkMarks((flow[..., None] * pen).astype(np.float32), mask)


def _strokes(canvas: SlideCanvas, island: Island, rng: np.random.Generator) -> list[Polygon]:
    """Return strokes along the island's longer side, side by side and kept within the island."""
    left, top, right, bottom = island.outline.bounds
    reach = 0.5 * np.hypot(right - left, bottom - top)
    along = np.linspace(-reach, reach, 200)
    wave = canvas.px(5) * np.sin(along / canvas.px(rng.uniform(18, 30)) + rng.uniform(0, 6))
    turn = rng.uniform(-0.4, 0.4) + (0.0 if right - left > bottom - top else np.pi / 2)
    width, apart = canvas.px(rng.uniform(*STROKE_UM)), canvas.px(APART_UM)
    found: list[Polygon] = []
    for shift in np.arange(-reach + rng.uniform(0, apart), reach, apart):
        across = wave + shift
        x = (left + right) / 2 + along * np.cos(turn) - across * np.sin(turn)
        y = (top + bottom) / 2 + along * np.sin(turn) + across * np.cos(turn)
        kept = LineString(np.stack([x, y], axis=1)).buffer(width / 2).intersection(island.outline)
        found += [part for part in getattr(kept, "geoms", [kept]) if isinstance(part, Polygon) and part.area]
    return found
