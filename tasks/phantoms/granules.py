"""Granules of pigment in the islands: evidence and decoys that differ in colour alone."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from tasks.phantoms.canvas import SlideCanvas
from tasks.phantoms.cells import Nuclei, NucleusKind, scatter, settle
from tasks.phantoms.layout import PhantomLayout
from tasks.phantoms.nuclei import Drawn, draw_nuclei

BROWN, BLUE = (0.05, 0.45, 1.3), (1.3, 0.45, 0.05)
"""Optical density in red, green and blue of evidence and decoys, for an amount of 1. Their sums are equal, so
darkness does not tell one from the other."""

PER_MM2 = 9_000
"""Granules that islands of either kind try to hold: about eight on a tile of 32 um."""

EVIDENCE_FRACTION = 0.5
"""Fraction of the granules of a nest that are brown; in a benign island none is."""

GRANULE = NucleusKind((2.6, 3.4), (1.0, 1.3), 0.06, (0.45, 0.65), 0.0, 0.1, 0, 1.1)
"""Of either colour: one size, shape and amount of pigment."""


@dataclass(frozen=True)
class Granules:
    """Optical density [height, width, 3] that granules add (None: no granules), and the pixels of each."""

    density: NDArray[np.float32] | None
    evidence: NDArray[np.bool_]
    decoy: NDArray[np.bool_]


def draw_granules(canvas: SlideCanvas, layout: PhantomLayout, rng: np.random.Generator) -> Granules:
    """Draw as many granules in nests as in benign islands; only in nests is a half of them brown."""
    brown, blue = _placed(canvas, layout, rng)
    drawn = [draw_nuclei(canvas, group, canvas.noise(0.55, rng), rng) for group in (brown, blue)]
    density = sum(
        group.hematoxylin[..., None] * np.asarray(colour, dtype=np.float32)
        for group, colour in zip(drawn, (BROWN, BLUE), strict=True)
    )
    evidence, decoy = (_covered(group) for group in drawn)
    return Granules(np.asarray(density, dtype=np.float32), evidence, decoy & ~evidence)


def without_granules(canvas: SlideCanvas) -> Granules:
    """Return what a slide without granules has."""
    nothing = np.zeros(canvas.shape, dtype=bool)
    return Granules(None, nothing, nothing)


def _placed(canvas: SlideCanvas, layout: PhantomLayout, rng: np.random.Generator) -> tuple[Nuclei, Nuclei]:
    """Return the brown and the blue granules; each lies wholly inside an island and touches no other."""
    outlines = shapely.MultiPolygon([island.outline for island in layout.islands])
    rate = canvas.inside(*outlines.geoms) * np.float32(PER_MM2)
    (thrown,) = settle((scatter(canvas, GRANULE, rate, rng),))
    points = shapely.points(thrown.points)
    kept = thrown.keep(shapely.distance(points, outlines.boundary) > 1.3 * thrown.radius * thrown.aspect + 1)
    nests = shapely.MultiPolygon([island.outline for island in layout.islands if island.tumour])
    in_nest = shapely.contains(nests, shapely.points(kept.points))
    brown = in_nest & (rng.random(len(kept)) < EVIDENCE_FRACTION)
    return kept.keep(brown), kept.keep(~brown)


def _covered(drawn: Drawn) -> NDArray[np.bool_]:
    return drawn.cover > 0.5
