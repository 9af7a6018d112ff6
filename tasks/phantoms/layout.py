"""The layout of a slide: pieces of tissue, islands of epithelial cells, lymphoid clusters.

Tumour nests and benign islands are drawn from one distribution of shapes and places, so that only their
nuclei distinguish them.
"""

from dataclasses import dataclass

import numpy as np
from shapely import affinity
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.ops import unary_union

from tasks.phantoms.canvas import SlideCanvas

ISLAND_FRACTION = 0.56
"""Share of each piece of tissue that islands try to cover."""

TUMOUR_FRACTION = 0.6
"""Share of the islands' area on a tumour slide that tumour nests hold, at least."""


@dataclass(frozen=True)
class Island:
    """A group of epithelial cells; ``outline`` in level-0 pixels, without holes."""

    outline: Polygon
    tumour: bool


@dataclass(frozen=True)
class PhantomLayout:
    """All outlines of a slide, in level-0 pixels."""

    sections: tuple[Polygon, ...]
    islands: tuple[Island, ...]
    clusters: tuple[Polygon, ...]
    lumens: tuple[Polygon, ...]
    """Vessels and gland lumens: holes in the tissue."""


def blob(centre: tuple[float, float], radius: float, roughness: float, rng: np.random.Generator) -> Polygon:
    """Return a closed wavy outline around ``centre``; ``roughness`` is the waves' size by the radius."""
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    order = np.arange(2, 14)
    size = roughness / order * rng.standard_normal(order.size)
    waves = size[:, None] * np.cos(order[:, None] * angle + rng.uniform(0, 2 * np.pi, order.size)[:, None])
    reach = radius * np.maximum(1 + waves.sum(axis=0), 0.3)
    outline = np.stack([centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle)], axis=1)
    return largest(Polygon(outline).buffer(0))


def largest(shape: Polygon | MultiPolygon) -> Polygon:
    """Return the largest piece of ``shape`` with its holes filled; an empty shape stays empty."""
    pieces = [p for p in getattr(shape, "geoms", [shape]) if isinstance(p, Polygon)]
    piece = max(pieces, key=lambda p: p.area, default=Polygon())
    return Polygon(piece.exterior) if not piece.is_empty else Polygon()


def lay_out(canvas: SlideCanvas, sections: int, tumour: bool, rng: np.random.Generator) -> PhantomLayout:
    """Draw the outlines of one slide; a tumour slide has a nest and, given two islands, a benign one."""
    pieces = tuple(_section(canvas, column, sections, rng) for column in range(sections))
    outlines = [outline for piece in pieces for outline in _islands(canvas, piece, rng)]
    chosen = _nests(outlines, rng) if tumour else set()
    islands = tuple(Island(outline, number in chosen) for number, outline in enumerate(outlines))
    clusters = tuple(cluster for piece in pieces for cluster in _clusters(canvas, piece, rng))
    lumens = tuple(lumen for piece in pieces for lumen in _lumens(canvas, piece, rng))
    return PhantomLayout(pieces, islands, clusters, lumens)


def _nests(outlines: list[Polygon], rng: np.random.Generator) -> set[int]:
    """Choose random islands until they hold ``TUMOUR_FRACTION`` of the area. Leave one if there are two."""
    order = rng.permutation(len(outlines))
    reached = np.cumsum([outlines[number].area for number in order])
    count = int(np.searchsorted(reached, TUMOUR_FRACTION * reached[-1])) + 1
    return set(order[: max(1, min(count, len(outlines) - 1))].tolist())


def _section(canvas: SlideCanvas, column: int, columns: int, rng: np.random.Generator) -> Polygon:
    shape = blob((0.0, 0.0), 1.0, 0.2, rng)
    left, top, right, bottom = shape.bounds
    width = canvas.width / columns - canvas.px(rng.uniform(80, 105))
    height = canvas.height * rng.uniform(0.82, 0.9)
    shape = affinity.scale(shape, width / (right - left), height / (bottom - top), origin=(0, 0))
    left, top, right, bottom = shape.bounds
    x = canvas.width / columns * (column + 0.5) - (left + right) / 2
    y = canvas.height / 2 - (top + bottom) / 2
    return affinity.translate(shape, x, y)


def _islands(canvas: SlideCanvas, section: Polygon, rng: np.random.Generator) -> list[Polygon]:
    inner, gap = section.buffer(-canvas.px(9)), canvas.px(13)
    found: list[Polygon] = []
    for attempt in range(300):
        if sum(f.area for f in found) > ISLAND_FRACTION * section.area or (found and attempt >= 150):
            break
        shrink = 1.0 if attempt < 60 else 0.7 if attempt < 150 else 0.5
        whole = _lobed(canvas, _point_in(inner, rng), shrink, rng).intersection(inner)
        for other in found:
            whole = whole.difference(other.buffer(gap))
        outline = largest(whole.buffer(-canvas.px(8)).buffer(canvas.px(8))).simplify(0.3)
        if outline.area > canvas.px(110) ** 2 * shrink:
            found.append(outline)
    return found


def _lobed(
    canvas: SlideCanvas, centre: tuple[float, float], shrink: float, rng: np.random.Generator
) -> Polygon:
    lobes = []
    for _ in range(int(rng.integers(2, 5))):
        shift = rng.normal(0, canvas.px(42 * shrink), 2)
        radius = canvas.px(rng.uniform(55, 92) * shrink)
        lobes.append(blob((centre[0] + shift[0], centre[1] + shift[1]), radius, 0.2, rng))
    return largest(unary_union(lobes))


def _clusters(canvas: SlideCanvas, section: Polygon, rng: np.random.Generator) -> list[Polygon]:
    count = max(2, round(section.area / canvas.px(170) ** 2))
    return [blob(_point_in(section, rng), canvas.px(rng.uniform(28, 66)), 0.35, rng) for _ in range(count)]


def _lumens(canvas: SlideCanvas, section: Polygon, rng: np.random.Generator) -> list[Polygon]:
    count = max(2, round(section.area / canvas.px(120) ** 2))
    inner = section.buffer(-canvas.px(18))
    shapes = [blob(_point_in(inner, rng), canvas.px(rng.uniform(4, 13)), 0.25, rng) for _ in range(count)]
    return [
        affinity.rotate(affinity.scale(s, 1.0, rng.uniform(0.45, 1)), rng.uniform(0, 180)) for s in shapes
    ]


def _point_in(shape: Polygon, rng: np.random.Generator) -> tuple[float, float]:
    left, top, right, bottom = shape.bounds
    for _ in range(100):
        x, y = rng.uniform(left, right), rng.uniform(top, bottom)
        if shape.contains(Point(x, y)):
            return float(x), float(y)
    return float(shape.centroid.x), float(shape.centroid.y)
