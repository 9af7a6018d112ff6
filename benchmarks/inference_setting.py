"""Simulated studies with known truth: training seeds, patients with few and many tiles, two arms."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import norm

Floats = NDArray[np.float64]

TILES = 12
"""Mean number of tiles per patient."""
AUROC = 0.895
"""The true area under the ROC curve, about that of networks on real breast tiles."""
_SHARED_TILES = 0.8
"""Part of a tile's own variance that all networks share: some tiles are hard for each of them."""
_TUMOUR = (2.0, 3.0)
"""The parameters of the Beta law of a patient's fraction of tumour tiles."""


@dataclass(frozen=True)
class Spreads:
    """Standard deviations between seeds, between patients, and of both together, as measured."""

    name: str
    seed: float
    patient: float
    both: float


MEASURED = (
    Spreads("phantom", 0.045, 0.014, 0.012),
    Spreads("deletion gap", 0.030, 0.026, 0.040),
    Spreads("Gini", 0.017, 0.004, 0.012),
)
"""A quick study on drawn slides, and two endpoints on 79 real patients."""


@dataclass(frozen=True)
class Setting:
    """A study design with its true variance components."""

    spreads: Spreads
    seeds: int
    patients: int


SETTINGS = tuple(
    Setting(spreads, seeds, patients)
    for spreads, seeds, patients in product(MEASURED, (2, 3, 5, 10), (5, 10, 40))
)


def drawn_codes(patients: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the patient of each tile. Numbers of tiles vary as in real patients, by two thirds."""
    numbers = np.maximum(2, np.rint(generator.gamma(2.0, TILES / 2, patients))).astype(np.int64)
    return np.repeat(np.arange(patients, dtype=np.int64), numbers)


def drawn_scores(
    setting: Setting, codes: NDArray[np.int64], generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the scores [S, N] of two arms, both with true mean 0.

    Half of each variance is shared by the arms, and half is an arm's own. So the mean of one arm and the
    difference of both have the components of the setting. Half of the variance of a seed and a patient
    together comes from the tiles.
    """
    spreads, shape = setting.spreads, (setting.seeds, setting.patients)

    def part() -> Floats:
        cells = generator.normal(0, spreads.seed, (shape[0], 1))
        cells = cells + generator.normal(0, spreads.patient, (1, shape[1]))
        cells = cells + generator.normal(0, spreads.both / np.sqrt(2), shape)
        tiles = generator.normal(0, spreads.both * np.sqrt(TILES / 2), (shape[0], len(codes)))
        return np.asarray((cells[:, codes] + tiles) / np.sqrt(2))

    shared = part()
    return shared + part(), shared + part()


@dataclass(frozen=True)
class Scored:
    """Scores [S, N] of the tiles of a study, where positives lie higher by an arm's ``separation``.

    Attributes:
        codes: int64 [N], the patient of each tile.
        positive: bool [N], the tumour tiles.
        arms: the scores of two arms with separation 0.
    """

    codes: NDArray[np.int64]
    positive: NDArray[np.bool_]
    arms: tuple[Floats, Floats]


@dataclass(frozen=True)
class Latent:
    """How scores of tiles follow from effects, with an area under the ROC curve that is known exactly.

    A score is normal: 1 is the variance of a tile; a seed moves the separation of the classes; a patient, and
    a seed and a patient together, move each class of the patient's tiles. The difference between a positive
    and a negative of another patient is normal too, so the area is a value of the normal law.
    """

    setting: Setting

    @cached_property
    def spreads(self) -> Spreads:
        """The spreads in units of a tile's, so that they move the area by those of the setting."""
        slope = norm.pdf(ndtri(AUROC)) / np.sqrt(2)
        given = self.setting.spreads
        return Spreads(given.name, given.seed / slope, given.patient / slope, given.both / slope)

    def separation(self, area: float) -> float:
        """Return the distance between the classes that leads to ``area``."""
        return float(ndtri(area) * self._spread)

    def area(self, separation: float) -> float:
        """Return the true area over all seeds and patients."""
        return float(ndtr(separation / self._spread))

    def drawn(self, generator: np.random.Generator) -> Scored:
        """Return the scores of one study."""
        codes = drawn_codes(self.setting.patients, generator)
        fractions = generator.beta(*_TUMOUR, self.setting.patients)
        positive = generator.random(len(codes)) < fractions[codes]
        shared = self._part(codes, positive, generator)
        tiles = generator.normal(0, np.sqrt(_SHARED_TILES), len(codes))

        def arm() -> Floats:
            own = generator.normal(0, np.sqrt(1 - _SHARED_TILES), shared.shape)
            return np.asarray(tiles + own + (shared + self._part(codes, positive, generator)) / np.sqrt(2))

        return Scored(codes, positive, (arm(), arm()))

    @property
    def _spread(self) -> float:
        """Standard deviation of a positive minus a negative of another patient."""
        spreads = self.spreads
        return float(np.sqrt(2 + spreads.seed**2 + spreads.patient**2 + spreads.both**2))

    def _part(
        self, codes: NDArray[np.int64], positive: NDArray[np.bool_], generator: np.random.Generator
    ) -> Floats:
        spreads, setting = self.spreads, self.setting
        seed = generator.normal(0, spreads.seed, (setting.seeds, 1))
        patient = generator.normal(0, spreads.patient / np.sqrt(2), (1, setting.patients, 2))
        both = generator.normal(0, spreads.both / np.sqrt(2), (setting.seeds, setting.patients, 2))
        return np.asarray(seed * positive + (patient + both)[:, codes, positive.astype(np.intp)])
