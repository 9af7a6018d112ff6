"""Drawing nuclei: many small stamps at once, composed on the slide's dye fields."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.phantoms.canvas import Field, SlideCanvas
from tasks.phantoms.cells import Nuclei

Stamps = NDArray[np.float32]
"""float32 [N, S, S]: one small square picture for each nucleus."""

ORDERS = np.arange(2, 7, dtype=np.float32)
"""Waves round the outline of a nucleus."""

BATCH = 128
"""Nuclei drawn at once; bounds the memory, changes no number."""


@dataclass(frozen=True)
class Drawn:
    """Drawn nuclei: the covered fraction of each pixel (0 to 1), and the hematoxylin."""

    cover: Field
    hematoxylin: Field


@dataclass(frozen=True)
class _Shapes:
    """The drawn traits of N nuclei; lengths in level-0 pixels."""

    points: NDArray[np.float32]
    radius: NDArray[np.float32]
    aspect: NDArray[np.float32]
    angle: NDArray[np.float32]
    waves: NDArray[np.float32]
    phases: NDArray[np.float32]
    amount: NDArray[np.float32]
    vesicular: NDArray[np.float32]
    spots: NDArray[np.float32]
    """[N, nucleoli, 4]: x and y by the radius, size in pixels, strength (0: none)."""

    def take(self, part: NDArray[np.intp]) -> Self:
        return type(self)(*(getattr(self, field.name)[part] for field in fields(self)))


def draw_nuclei(canvas: SlideCanvas, nuclei: Nuclei, chromatin: Field, rng: np.random.Generator) -> Drawn:
    """Draw all nuclei of one kind; where two meet, the darker wins. ``chromatin`` is fine unit noise."""
    drawn = Drawn(canvas.filled(), canvas.filled())
    shapes = _draw_traits(canvas, nuclei, rng)
    by_size = np.argsort(nuclei.radius, kind="stable")
    for first in range(0, len(nuclei), BATCH):
        part = shapes.take(by_size[first : first + BATCH])
        _stamp(canvas, part, (nuclei.kind.clumps, chromatin), drawn)
    return drawn


def _draw_traits(canvas: SlideCanvas, nuclei: Nuclei, rng: np.random.Generator) -> _Shapes:
    kind, count = nuclei.kind, len(nuclei)
    spots = np.empty((count, kind.nucleoli, 4), dtype=np.float32)
    spots[..., :2] = rng.uniform(-0.5, 0.5, (count, kind.nucleoli, 2))
    spots[..., 2] = rng.uniform(0.55, 1.15, (count, kind.nucleoli)) / canvas.mpp
    spots[..., 3] = rng.uniform(0.35, 0.8, (count, kind.nucleoli)) * (
        rng.random((count, kind.nucleoli)) < 0.9 ** np.arange(1, kind.nucleoli + 1) ** 2
    )
    waves = kind.irregularity * rng.standard_normal((count, ORDERS.size)) / ORDERS**0.8
    return _Shapes(
        points=nuclei.points.astype(np.float32),
        radius=nuclei.radius.astype(np.float32),
        aspect=nuclei.aspect.astype(np.float32),
        angle=nuclei.angle.astype(np.float32),
        waves=waves.astype(np.float32),
        phases=rng.uniform(0, 2 * np.pi, (count, ORDERS.size)).astype(np.float32),
        amount=rng.uniform(*kind.hematoxylin, count).astype(np.float32),
        vesicular=(kind.vesicular * rng.uniform(0.5, 1.2, count)).astype(np.float32),
        spots=spots,
    )


def _stamp(canvas: SlideCanvas, shapes: _Shapes, texture: tuple[float, Field], drawn: Drawn) -> None:
    reach = int(np.ceil((shapes.radius * np.sqrt(shapes.aspect)).max() * 1.35)) + 2
    steps = np.arange(-reach, reach + 1)
    corner = np.floor(shapes.points).astype(np.intp)
    rows = corner[:, 1, None, None] + steps[None, :, None]
    columns = corner[:, 0, None, None] + steps[None, None, :]
    x = (columns + 0.5 - shapes.points[:, 0, None, None]).astype(np.float32)
    y = (rows + 0.5 - shapes.points[:, 1, None, None]).astype(np.float32)
    seen = (rows >= 0) & (rows < canvas.height) & (columns >= 0) & (columns < canvas.width)
    index = np.where(seen, rows * canvas.width + columns, 0)
    depth, cover = _outline(shapes, x, y)
    clumps, chromatin = texture
    grain = clumps * chromatin.ravel()[index]
    amount = _inside(shapes, depth, grain) + _nucleoli(shapes, x, y)
    np.maximum.at(drawn.cover.ravel(), index[seen], cover[seen])
    np.maximum.at(drawn.hematoxylin.ravel(), index[seen], (cover * np.maximum(amount, 0.15))[seen])


def _outline(shapes: _Shapes, x: Stamps, y: Stamps) -> tuple[Stamps, Stamps]:
    """Return how deep each pixel lies (1 at the centre, 0 on the outline) and how much of it is covered."""
    cosine, sine = np.cos(shapes.angle)[:, None, None], np.sin(shapes.angle)[:, None, None]
    stretch = np.sqrt(shapes.aspect)[:, None, None]
    along, across = (x * cosine + y * sine) / stretch, (y * cosine - x * sine) * stretch
    distance, turn = np.hypot(along, across), np.arctan2(across, along)
    edge = np.ones_like(distance)
    for number, order in enumerate(ORDERS):
        wave = np.cos(order * turn + shapes.phases[:, number, None, None])
        edge += shapes.waves[:, number, None, None] * wave
    edge = shapes.radius[:, None, None] * np.clip(edge, 0.5, 1.3)
    depth = np.clip(1 - distance / edge, 0, 1)
    return depth, np.clip(0.5 + (edge - distance) / 1.6, 0, 1)


def _inside(shapes: _Shapes, depth: Stamps, grain: Stamps) -> Stamps:
    """Return the hematoxylin of the chromatin: a darker rim where the nucleus is vesicular, and clumps."""
    pale = np.minimum(depth / 0.3, 1) * shapes.vesicular[:, None, None]
    amount: Stamps = shapes.amount[:, None, None] * (1.1 - pale + grain * (1 + pale))
    return amount


def _nucleoli(shapes: _Shapes, x: Stamps, y: Stamps) -> Stamps:
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=np.float32)
    for spot in range(shapes.spots.shape[1]):
        column, row, size, strength = shapes.spots[:, spot].T[:, :, None, None]
        radius = shapes.radius[:, None, None] * 0.8
        squared = (x - column * radius) ** 2 + (y - row * radius) ** 2
        total += strength * np.exp(-0.5 * (squared / (0.75 * size) ** 2) ** 2)
    return total
