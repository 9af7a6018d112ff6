"""One phantom slide: its pixels and its known answer, from its plan.

Nests and benign islands share outlines, cytoplasm, cell bodies, lymphocytes and pyknotic remains; only the
nuclei differ. Darkness does not find them: on the ten tumour slides of the default cohort, optical density
ranks evidence above other pixels with a ROC-AUC of 0.42-0.62 (mean 0.52) inside nests and 0.54-0.68
(mean 0.61) in all tissue. The hematoxylin that colour deconvolution finds does better (0.82 and 0.80).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from tasks.phantoms.canvas import Field, SlideCanvas
from tasks.phantoms.granules import Granules, draw_granules, without_granules
from tasks.phantoms.ink import InkMarks, draw_ink, marked_islands
from tasks.phantoms.layout import lay_out
from tasks.phantoms.nuclei import draw_nuclei
from tasks.phantoms.plan import SCATTERED, SlidePlan, stream
from tasks.phantoms.population import CellPopulation, Habitat, populate
from tasks.phantoms.recipe import PhantomRecipe
from tasks.phantoms.stains import Rgb, patient_stain, photograph, slide_stain
from tasks.phantoms.tissue import TissueGround, cell_bodies, lay_ground

Mask = NDArray[np.bool_]
"""bool [height, width]."""


@dataclass(frozen=True)
class PhantomSlide:
    """Level 0 and its ground truth: masks of tumour nuclei, of other nuclei and of ink, and nest outlines.

    ``evidence`` and ``decoy`` have no pixel in common: a map that finds nuclei lies on both. On slides with
    granules they are the brown and the blue granules.
    """

    rgb: Rgb
    evidence: Mask
    decoy: Mask
    ink: Mask
    nests: tuple[Polygon, ...]


def draw_slide(plan: SlidePlan, recipe: PhantomRecipe) -> PhantomSlide:
    """Draw one slide; it depends on the recipe's seed and the plan's key alone, not on other slides."""
    canvas = SlideCanvas(*recipe.size_px, recipe.mpp)
    layout = lay_out(canvas, recipe.sections, plan.tumour, stream(recipe.seed, plan.key, "layout"))
    ground = lay_ground(canvas, layout, stream(recipe.seed, plan.key, "texture"))
    atypia = 0.0 if recipe.granules else recipe.atypia
    cells = populate(Habitat(canvas, layout, ground), atypia, stream(recipe.seed, plan.key, "cells"))
    dyes, evidence, decoy = _compose(canvas, ground, cells, stream(recipe.seed, plan.key, "nuclei"))
    granules = without_granules(canvas)
    if recipe.granules:
        granules = draw_granules(canvas, layout, stream(recipe.seed, plan.key, "granules"))
        evidence, decoy = granules.evidence, granules.decoy
    ink = draw_ink(canvas, marked_islands(plan, recipe, layout.islands), stream(recipe.seed, plan.key, "ink"))
    patient = patient_stain(recipe.stain_spread, stream(recipe.seed, plan.key[:2], "stain"))
    stain = slide_stain(patient, recipe.stain_spread, stream(recipe.seed, plan.key, "stain"))
    extra = _added(granules, ink)
    # By chance a scattered twin may bear the ink of its slide. It is another picture all the same.
    shot = (*plan.key, 1) if plan.site == SCATTERED else plan.key
    rgb = photograph(canvas, dyes, extra, stain, stream(recipe.seed, shot, "camera"))
    nests = tuple(island.outline for island in layout.islands if island.tumour)
    return PhantomSlide(rgb, evidence, decoy, ink.mask, nests)


def _added(granules: Granules, ink: InkMarks) -> NDArray[np.float32] | None:
    """Return the optical density that pigment and ink add; None where neither is there."""
    if granules.density is None or ink.density is None:
        return ink.density if granules.density is None else granules.density
    return granules.density + ink.density


def _compose(
    canvas: SlideCanvas, ground: TissueGround, cells: CellPopulation, rng: np.random.Generator
) -> tuple[tuple[Field, Field], Mask, Mask]:
    """Put the cells on the ground; return (hematoxylin, eosin), and the pixels of tumour and other nuclei."""
    chromatin = canvas.noise(0.55, rng)
    tumour = draw_nuclei(canvas, cells.tumour, chromatin, rng)
    others = [draw_nuclei(canvas, group, chromatin, rng) for group in cells.others]
    blood = draw_nuclei(canvas, cells.red, chromatin, rng)
    cover = np.maximum.reduce([tumour.cover, *(group.cover for group in others)])
    amount = np.maximum.reduce([tumour.hematoxylin, *(group.hematoxylin for group in others)])
    lines, tones = cell_bodies(canvas, rng)
    halo = np.clip(canvas.soften(cover, 1.1) - cover, 0, 1) * (0.6 + 0.5 * canvas.noise(12, rng))
    bodies = 1 + ground.islands * (0.1 * tones - 0.25 * lines)
    pale = np.maximum(bodies, 0.3) * (1 - np.clip(0.9 * halo, 0, 0.6))
    hematoxylin = ground.hematoxylin * pale * (1 - cover) + amount
    eosin = ground.eosin * pale * (1 - 0.55 * cover) + blood.hematoxylin
    hidden = np.maximum.reduce([group.cover for group in others])
    evidence = (tumour.cover > 0.5) & (hidden < 0.5)
    return (hematoxylin, eosin), evidence, (hidden > 0.5) & ~evidence
