"""The cells of a slide: rates by compartment, then space for each."""

from dataclasses import dataclass

import numpy as np
import shapely

from tasks.phantoms.canvas import Field, SlideCanvas, sample
from tasks.phantoms.cells import (
    BENIGN,
    FIBROBLAST,
    LYMPHOCYTE,
    PYKNOTIC,
    RED_CELL,
    Nuclei,
    NucleusKind,
    atypical,
    scatter,
    settle,
)
from tasks.phantoms.layout import PhantomLayout
from tasks.phantoms.tissue import TissueGround

CROWD = 70_000
"""Candidates per square millimetre where cells are as dense as possible."""

BENIGN_PER_MM2 = 32_000
"""Candidates per square millimetre of a benign island."""


@dataclass(frozen=True)
class CellPopulation:
    """The evidence (``tumour``), all other nuclei, and red blood cells."""

    tumour: Nuclei
    others: tuple[Nuclei, ...]
    red: Nuclei


@dataclass(frozen=True)
class Habitat:
    """The compartments that cells are placed in."""

    canvas: SlideCanvas
    layout: PhantomLayout
    ground: TissueGround


def populate(habitat: Habitat, atypia: float, rng: np.random.Generator) -> CellPopulation:
    """Place all cells: epithelial nuclei first, then pyknotic ones, lymphocytes and fibroblasts.

    Lymphocytes and pyknotic nuclei come at the same rate in nests and in benign islands. With an ``atypia``
    of 0 so do epithelial nuclei, and they are of one kind.
    """
    canvas, ground = habitat.canvas, habitat.ground
    crowding = np.exp(0.9 * canvas.noise(14, rng))
    infiltrate = np.exp(1.3 * canvas.noise(10, rng) - 0.3)
    solid = np.clip(ground.tissue * 4 - 3, 0, 1) * (1 - ground.lumens)
    stroma = solid * (1 - ground.islands)
    lymphoid = stroma * (1300 * crowding + CROWD * ground.clusters)
    lymphoid += solid * 2600 * ground.islands * infiltrate
    pyknotic = solid * crowding * (260 + 500 * ground.islands)
    tumour, *others = settle(
        (
            _epithelial(habitat, True, (atypical(atypia), 30_000 if atypia else BENIGN_PER_MM2), rng),
            _epithelial(habitat, False, (BENIGN, BENIGN_PER_MM2), rng),
            scatter(canvas, PYKNOTIC, pyknotic, rng),
            scatter(canvas, LYMPHOCYTE, np.minimum(lymphoid, CROWD), rng),
            _spindles(habitat, stroma, rng),
        )
    )
    blood = 30_000 * ground.lumens * (canvas.noise(25, rng) > 0.4) * (1 - ground.islands)
    return CellPopulation(tumour, tuple(others), scatter(canvas, RED_CELL, blood.astype(np.float32), rng))


def _spindles(habitat: Habitat, stroma: Field, rng: np.random.Generator) -> Nuclei:
    """Throw fibroblasts along the fibres."""
    nuclei = scatter(habitat.canvas, FIBROBLAST, stroma * 2300 * (1 - habitat.ground.clusters), rng)
    angle = sample(habitat.ground.fibre_angle, nuclei.points) + rng.normal(0, 0.2, len(nuclei))
    return nuclei.turned(angle)


def _epithelial(
    habitat: Habitat, tumour: bool, what: tuple[NucleusKind, float], rng: np.random.Generator
) -> Nuclei:
    """Throw nuclei into the nests or the benign islands; each lies wholly inside its outline."""
    kind, per_mm2 = what
    outlines = [island.outline for island in habitat.layout.islands if island.tumour == tumour]
    rate = habitat.canvas.inside(*outlines) * np.float32(per_mm2) * (habitat.ground.lumens < 0.05)
    nuclei = scatter(habitat.canvas, kind, rate.astype(np.float32), rng)
    free = shapely.distance(shapely.points(nuclei.points), shapely.MultiPolygon(outlines).boundary)
    return nuclei.keep(free > 1.3 * nuclei.radius * np.sqrt(nuclei.aspect) + 1)
