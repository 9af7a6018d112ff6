"""Kinds and positions of nuclei."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tasks.phantoms.canvas import Field, SlideCanvas, sample

Points = NDArray[np.float64]
"""float64 [N, 2]: x and y in level-0 pixels."""


@dataclass(frozen=True)
class NucleusKind:
    """The appearance of nuclei of one kind; pairs are the lowest and highest value of a uniform draw."""

    radius_um: tuple[float, float]
    aspect: tuple[float, float]
    irregularity: float
    hematoxylin: tuple[float, float]
    vesicular: float
    """How much paler the middle is than the rim, 0 to 1."""
    clumps: float
    """Strength of the chromatin's texture."""
    nucleoli: int
    room: float
    """Distance kept to other nuclei, by the radius."""


LYMPHOCYTE = NucleusKind((2.4, 3.5), (1.0, 1.35), 0.07, (0.8, 1.15), 0.1, 0.22, 0, 0.92)
FIBROBLAST = NucleusKind((2.2, 3.1), (2.4, 4.6), 0.06, (0.55, 1.0), 0.0, 0.16, 0, 1.2)
BENIGN = NucleusKind((3.2, 4.0), (1.05, 1.4), 0.05, (0.58, 0.88), 0.25, 0.2, 0, 1.2)
TUMOUR = NucleusKind((4.2, 8.0), (1.05, 1.7), 0.15, (0.36, 0.64), 0.6, 0.24, 3, 1.1)
PYKNOTIC = NucleusKind((1.2, 2.4), (1.0, 1.8), 0.2, (1.2, 1.6), 0.0, 0.05, 0, 1.1)
"""Shrunken dark remains of dying cells: decoys that are darker than any evidence."""

RED_CELL = NucleusKind((2.4, 3.0), (1.0, 1.3), 0.04, (0.6, 0.85), 0.25, 0.05, 0, 1.0)
"""A red blood cell, drawn like a nucleus but in eosin."""


def atypical(atypia: float) -> NucleusKind:
    """Return tumour nuclei that lie ``atypia`` of the way from benign ones (0) to ``TUMOUR`` (1)."""

    def between(benign: float, tumour: float) -> float:
        return benign + atypia * (tumour - benign)

    def both(name: str) -> tuple[float, float]:
        benign, tumour = getattr(BENIGN, name), getattr(TUMOUR, name)
        return between(benign[0], tumour[0]), between(benign[1], tumour[1])

    return NucleusKind(
        radius_um=both("radius_um"),
        aspect=both("aspect"),
        irregularity=between(BENIGN.irregularity, TUMOUR.irregularity),
        hematoxylin=both("hematoxylin"),
        vesicular=between(BENIGN.vesicular, TUMOUR.vesicular),
        clumps=between(BENIGN.clumps, TUMOUR.clumps),
        nucleoli=round(between(BENIGN.nucleoli, TUMOUR.nucleoli)),
        room=between(BENIGN.room, TUMOUR.room),
    )


@dataclass(frozen=True)
class Nuclei:
    """Nuclei of one kind: where, how large (radius of a circle of equal area, level-0 pixels), how turned."""

    kind: NucleusKind
    points: Points
    radius: NDArray[np.float64]
    aspect: NDArray[np.float64]
    angle: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.points)

    def keep(self, chosen: NDArray[np.bool_]) -> "Nuclei":
        """Return those that ``chosen`` [N] marks."""
        return Nuclei(
            self.kind, self.points[chosen], self.radius[chosen], self.aspect[chosen], self.angle[chosen]
        )

    def turned(self, angle: NDArray[np.float64]) -> "Nuclei":
        """Return the same nuclei lying along ``angle`` [N], radians."""
        return replace(self, angle=angle)


def scatter(canvas: SlideCanvas, kind: NucleusKind, rate: Field, rng: np.random.Generator) -> Nuclei:
    """Throw nuclei on the canvas; ``rate`` is the density per square millimetre at each pixel."""
    highest = float(rate.max())
    area_mm2 = canvas.width * canvas.height * canvas.mpp**2 * 1e-6
    points = rng.uniform((0, 0), (canvas.width, canvas.height), (int(highest * area_mm2), 2))
    points = points[rng.uniform(0, highest, len(points)) < sample(rate, points)]
    count = len(points)
    # Squaring the draw makes the large ones rare, as in tissue.
    low, high = kind.radius_um
    radius = (low + (high - low) * rng.uniform(0, 1, count) ** 1.6) / canvas.mpp
    return Nuclei(kind, points, radius, rng.uniform(*kind.aspect, count), rng.uniform(0, np.pi, count))


def settle(groups: tuple[Nuclei, ...]) -> tuple[Nuclei, ...]:
    """Drop every nucleus that would touch an earlier one; groups, then members, come in their order."""
    points = np.concatenate([g.points for g in groups])
    reach = np.concatenate([g.radius * g.kind.room for g in groups])
    free = _first_come(points, reach)
    ends = np.cumsum([len(g) for g in groups])
    parts = np.split(free, ends[:-1])
    return tuple(group.keep(part) for group, part in zip(groups, parts, strict=True))


def _first_come(points: Points, reach: NDArray[np.float64]) -> NDArray[np.bool_]:
    free = np.ones(len(points), dtype=bool)
    if len(points) < 2:
        return free
    pairs = cKDTree(points).query_pairs(2 * float(reach.max()), output_type="ndarray")
    distance = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    pairs = pairs[distance < reach[pairs].sum(axis=1)]
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    start = np.searchsorted(pairs[:, 0], np.arange(len(points) + 1))
    for earlier in range(len(points)):
        if free[earlier]:
            free[pairs[start[earlier] : start[earlier + 1], 1]] = False
    return free
