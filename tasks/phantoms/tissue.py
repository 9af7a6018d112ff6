"""The tissue between the nuclei: fibres of stroma, cytoplasm of islands, lymphoid ground, red blood cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.phantoms.canvas import Field, SlideCanvas
from tasks.phantoms.layout import PhantomLayout

CELL_UM = 11.0
"""Mean distance of the centres of epithelial cells."""

TEXTURE_PX = 768
"""Side of the repeating square from which fibres are sampled."""


@dataclass(frozen=True)
class TissueGround:
    """The tissue before its nuclei: dye amounts, and soft membership (0 to 1) of each compartment."""

    hematoxylin: Field
    eosin: Field
    tissue: Field
    lumens: Field
    islands: Field
    clusters: Field
    fibre_angle: Field
    """Direction of the fibres, radians."""


@dataclass(frozen=True)
class Fibres:
    """Unit noise drawn out along the fibres, fine and coarse, and the fibres' direction in radians."""

    fine: Field
    coarse: Field
    angle: Field


def weave(canvas: SlideCanvas, rng: np.random.Generator) -> Fibres:
    """Draw wavy fibres: noise stretched along one axis, sampled through a smooth warp."""
    turn = rng.uniform(0, np.pi)
    y, x = np.indices(canvas.shape, dtype=np.float32)
    x += canvas.px(38) * canvas.noise(85, rng)
    y += canvas.px(38) * canvas.noise(85, rng)
    along = np.cos(turn) * x + np.sin(turn) * y
    across = np.cos(turn) * y - np.sin(turn) * x
    crimp = np.sin(along * (2 * np.pi / canvas.px(24)) + 2.5 * canvas.noise(22, rng))
    across += canvas.px(1.2) * crimp * canvas.noise(40, rng)
    down, right = np.gradient(across)
    places = np.stack([across, along])
    fine = _stretched(canvas, (0.5, 8), places, rng)
    coarse = _stretched(canvas, (1.9, 17), places, rng)
    return Fibres(fine, coarse, np.arctan2(-right, down).astype(np.float32))


def _stretched(
    canvas: SlideCanvas, scale_um: tuple[float, float], places: Field, rng: np.random.Generator
) -> Field:
    texture = rng.standard_normal((TEXTURE_PX, TEXTURE_PX), dtype=np.float32)
    texture = ndimage.gaussian_filter(texture, [canvas.px(s) for s in scale_um], mode="wrap", truncate=3.0)
    texture = (texture - texture.mean()) / texture.std()
    out: Field = ndimage.map_coordinates(texture, places, order=1, mode="grid-wrap")
    return out


def lay_ground(canvas: SlideCanvas, layout: PhantomLayout, rng: np.random.Generator) -> TissueGround:
    """Draw all tissue but the nuclei."""
    fibres = weave(canvas, rng)
    tissue = _tissue(canvas, layout, fibres, rng)
    islands = canvas.inside(*(island.outline for island in layout.islands))
    clusters = canvas.inside(*layout.clusters)
    soft_islands = canvas.soften(islands, 2.0)
    soft_clusters = canvas.soften(clusters & ~islands, 7.0)
    hematoxylin, eosin = _stroma(canvas, fibres, islands, rng)
    eosin *= 1 - 0.55 * soft_clusters
    hematoxylin += 0.12 * soft_clusters
    ragged = 0.3 * canvas.noise(1.5, rng) + 0.35 * canvas.noise(4.5, rng)
    rim = np.clip((canvas.soften(islands, 2.0) - 0.5) * 2.6 + ragged + 0.5, 0, 1)
    soft_islands = np.where((soft_islands > 0.02) & (soft_islands < 0.98), rim, soft_islands)
    plasm_h, plasm_e = _cytoplasm(canvas, layout, rng)
    hematoxylin += soft_islands * (plasm_h - hematoxylin)
    eosin += soft_islands * (plasm_e - eosin)
    lumens = canvas.inside(*layout.lumens)
    full = tissue * (1 - 0.95 * canvas.soften(lumens, 0.6))
    eosin += 0.16 * np.clip(canvas.soften(lumens, 1.6) * 2, 0, 1)
    return TissueGround(
        hematoxylin=hematoxylin * full,
        eosin=eosin * full,
        tissue=tissue,
        lumens=canvas.soften(lumens, 1.2),
        islands=soft_islands,
        clusters=soft_clusters,
        fibre_angle=fibres.angle,
    )


def _tissue(canvas: SlideCanvas, layout: PhantomLayout, fibres: Fibres, rng: np.random.Generator) -> Field:
    """Return soft membership of tissue: pieces with a ragged edge."""
    inside = canvas.inside(*layout.sections)
    rough = 0.1 * canvas.noise(4, rng) + 0.035 * fibres.fine
    edge = canvas.soften(inside, 6.0) + rough * (canvas.soften(inside, 9.0) > 0.02)
    soft: Field = np.clip((edge - 0.45) * 7, 0, 1)
    return soft


def _stroma(
    canvas: SlideCanvas, fibres: Fibres, islands: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Field, Field]:
    """Return (hematoxylin, eosin) of collagen with white clefts between its bundles and around islands."""
    density = 0.8 * canvas.noise(45, rng)
    bundles = 0.7 * fibres.coarse + 0.3 * fibres.fine + 0.45 * density + 0.35 * canvas.noise(1.5, rng)
    filled = np.clip((bundles + 1.3) * 1.2, 0.05, 1)
    shrunk = canvas.soften(islands, 2.2) * (canvas.noise(28, rng) > 0.55)
    filled = filled * (1 - np.clip(2.2 * shrunk, 0, 0.9))
    eosin = filled * np.maximum(
        0.34 + 0.08 * fibres.fine + 0.06 * fibres.coarse + 0.03 * density + 0.03 * canvas.noise(0.7, rng),
        0.05,
    )
    hematoxylin = filled * np.maximum(0.06 + 0.02 * fibres.fine + 0.025 * canvas.noise(25, rng), 0)
    return hematoxylin.astype(np.float32), eosin.astype(np.float32)


def _cytoplasm(canvas: SlideCanvas, layout: PhantomLayout, rng: np.random.Generator) -> tuple[Field, Field]:
    """Return (hematoxylin, eosin) of cytoplasm; each island has its own tone, whatever its nuclei are."""
    grain, patches = canvas.noise(0.6, rng), canvas.noise(9, rng)
    tone_h, tone_e = canvas.filled(), canvas.filled()
    for island in layout.islands:
        inside = canvas.inside(island.outline.buffer(canvas.px(6)))
        tone_h[inside], tone_e[inside] = rng.uniform(0.19, 0.29), rng.uniform(0.35, 0.48)
    hematoxylin = tone_h * (1 + 0.16 * grain + 0.2 * patches)
    eosin = tone_e * (1 + 0.15 * grain + 0.13 * canvas.noise(7, rng))
    return np.maximum(hematoxylin, 0).astype(np.float32), np.maximum(eosin, 0.03).astype(np.float32)


def cell_bodies(canvas: SlideCanvas, rng: np.random.Generator) -> tuple[Field, Field]:
    """Return (lines, tones) of cell bodies: each pixel belongs to the nearest of random centres.

    The centres do not depend on the nuclei. Otherwise cell sizes would distinguish tumour from benign, and
    the nuclei would not be all of the evidence.

    Lines, 0 to 1, run softly where two cells meet; tones are one draw of unit noise for each cell.
    """
    half = np.ones(((canvas.height + 1) // 2, (canvas.width + 1) // 2), dtype=bool)
    count = max(1, int(half.size * (2 * canvas.mpp / CELL_UM) ** 2))
    half.ravel()[rng.integers(0, half.size, count)] = False
    nearest = ndimage.distance_transform_edt(half, return_distances=False, return_indices=True)
    owner = nearest[0] * half.shape[1] + nearest[1]
    lines = np.zeros(half.shape, dtype=np.float32)
    lines[1:, :] = owner[1:, :] != owner[:-1, :]
    lines[:, 1:] = np.maximum(lines[:, 1:], owner[:, 1:] != owner[:, :-1])
    thin = ndimage.gaussian_filter(lines, canvas.px(0.35))
    tones = rng.standard_normal(half.size, dtype=np.float32)[owner]
    tones = ndimage.gaussian_filter(tones, canvas.px(0.4))
    return np.clip(_doubled(canvas, thin) * 1.4, 0, 1), _doubled(canvas, tones)


def _doubled(canvas: SlideCanvas, half: Field) -> Field:
    return np.repeat(np.repeat(half, 2, axis=0), 2, axis=1)[: canvas.height, : canvas.width]
