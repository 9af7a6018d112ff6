"""One phantom slide, from its plan to its pixels and its right answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from tasks.phantoms.canvas import Canvas, Field, sample
from tasks.phantoms.cells import (
    BENIGN,
    FIBROBLAST,
    LYMPHOCYTE,
    PYKNOTIC,
    TUMOUR,
    Nuclei,
    scatter,
    settle,
)
from tasks.phantoms.ink import draw_ink, marked_islands
from tasks.phantoms.layout import Layout, lay_out
from tasks.phantoms.nuclei import draw_nuclei
from tasks.phantoms.plan import SlidePlan, stream
from tasks.phantoms.recipe import PhantomRecipe
from tasks.phantoms.stains import Rgb, patient_stain, photograph, slide_stain
from tasks.phantoms.tissue import Ground, cell_bodies, lay_ground

Mask = NDArray[np.bool_]
"""bool [height, width]."""


@dataclass(frozen=True)
class PhantomSlide:
    """Level 0 and what is true of it: pixels of tumour nuclei (``evidence``) and of ink, nest outlines."""

    rgb: Rgb
    evidence: Mask
    ink: Mask
    nests: tuple[Polygon, ...]


def draw_slide(plan: SlidePlan, recipe: PhantomRecipe) -> PhantomSlide:
    """Draw one slide; it depends on the recipe's seed and the plan's key alone, not on other slides."""
    canvas = Canvas(*recipe.size_px, recipe.mpp)
    layout = lay_out(canvas, recipe.sections, plan.tumour, stream(recipe.seed, plan.key, "layout"))
    ground = lay_ground(canvas, layout, stream(recipe.seed, plan.key, "texture"))
    groups = _populate(canvas, layout, ground, stream(recipe.seed, plan.key, "cells"))
    dyes, evidence = _compose(canvas, ground, groups, stream(recipe.seed, plan.key, "nuclei"))
    ink = draw_ink(canvas, marked_islands(plan, recipe, layout.islands), stream(recipe.seed, plan.key, "ink"))
    patient = patient_stain(recipe.stain_spread, stream(recipe.seed, plan.key[:2], "stain"))
    stain = slide_stain(patient, recipe.stain_spread, stream(recipe.seed, plan.key, "stain"))
    rgb = photograph(canvas, dyes, ink.density, stain, stream(recipe.seed, plan.key, "camera"))
    nests = tuple(island.outline for island in layout.islands if island.tumour)
    return PhantomSlide(rgb, evidence, ink.mask, nests)


def _populate(canvas: Canvas, layout: Layout, ground: Ground, rng: np.random.Generator) -> tuple[Nuclei, ...]:
    """Place tumour, benign and pyknotic nuclei, lymphocytes, fibroblasts; the first named choose first."""
    nests, benign = (_inner(canvas, layout, tumour) for tumour in (True, False))
    stroma = ground.tissue * (1 - ground.islands)
    crowding = np.exp(0.9 * canvas.noise(14, rng))
    infiltrate = np.exp(1.3 * canvas.noise(10, rng) - 0.3)
    lymphocytes = stroma * (1300 * crowding + 45_000 * ground.clusters) + 2600 * ground.islands * infiltrate
    groups = (
        scatter(canvas, TUMOUR, 30_000 * nests, rng),
        scatter(canvas, BENIGN, 32_000 * benign, rng),
        scatter(canvas, PYKNOTIC, (260 + 500 * ground.islands) * ground.tissue * crowding, rng),
        scatter(canvas, LYMPHOCYTE, np.minimum(lymphocytes, 45_000).astype(np.float32), rng),
        scatter(canvas, FIBROBLAST, 2300 * stroma * (1 - ground.clusters), rng),
    )
    turned = groups[-1]
    angle = sample(ground.fibre_angle, turned.points) + rng.normal(0, 0.2, len(turned))
    fibroblasts = Nuclei(turned.kind, turned.points, turned.radius, turned.aspect, angle)
    return settle((*groups[:-1], fibroblasts))


def _inner(canvas: Canvas, layout: Layout, tumour: bool) -> Field:
    """Return 1 where a nucleus of an island may be centred, so far inside that the outline holds it."""
    margin = canvas.px((TUMOUR if tumour else BENIGN).radius_um[1] * 1.2)
    inside = np.zeros(canvas.shape, dtype=bool)
    for island in layout.islands:
        core = island.outline.buffer(-margin)
        for piece in getattr(core, "geoms", [core]):
            if island.tumour == tumour and not piece.is_empty:
                inside |= canvas.inside(piece)
    return inside.astype(np.float32)


def _compose(
    canvas: Canvas, ground: Ground, groups: tuple[Nuclei, ...], rng: np.random.Generator
) -> tuple[tuple[Field, Field], Mask]:
    """Put the nuclei on the ground; return (hematoxylin, eosin) and the pixels of tumour nuclei."""
    chromatin = canvas.noise(0.55, rng)
    drawn = [draw_nuclei(canvas, group, chromatin, rng) for group in groups]
    cover = np.maximum.reduce([d.cover for d in drawn])
    amount = np.maximum.reduce([d.hematoxylin for d in drawn])
    others = np.maximum.reduce([d.cover for d in drawn[1:]])
    centres = np.concatenate([group.points for group in groups[:2]])
    lines, tones = cell_bodies(canvas, centres, rng) if len(centres) else (canvas.filled(), canvas.filled())
    halo = np.clip(canvas.soften(cover, 1.1) - cover, 0, 1) * (0.6 + 0.5 * canvas.noise(12, rng))
    bodies = 1 + ground.islands * (0.13 * tones - 0.3 * lines)
    pale = np.maximum(bodies, 0.3) * (1 - np.clip(0.9 * halo, 0, 0.6))
    hematoxylin = ground.hematoxylin * pale * (1 - cover) + amount
    eosin = ground.eosin * pale * (1 - 0.55 * cover)
    return (hematoxylin, eosin), (drawn[0].cover > 0.5) & (others < 0.5)
