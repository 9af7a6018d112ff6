"""The base of robustness metrics: how much a map changes when noise is added to its image."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tasks.evidence.tile_block import TileBlock
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, Need, Probe, ProbeKey
from tasks.functional.noise import normal, seed_of

_PURPOSE = "noisy copies of a tile"
UNSPEAKING = "the clean map is all zeros"


class RobustnessMetric(Metric):
    """Compares the map of a tile with the maps of noisy copies of it.

    The noise depends on (seed, tile key, draw) alone: every explainer gets the same copies, and metrics with
    equal settings use the same ones, so each is explained once. Copies are not clamped to [0, 1], which would
    halve the noise on white glass. The explained class stays that of the clean tile. A copy has the key of
    its tile, so an explainer with its own noise draws the same noise for both. The clean map is the stored
    one, so the given explainer must be the one that made it.

    Stable is not the same as faithful: a map that ignores the image does not move at all.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"attribution"})

    samples: int = Field(default=10, ge=1)
    """Noisy copies of each tile."""
    sigma: float = Field(default=0.02, gt=0)
    """Standard deviation of the normal noise, as a fraction of the pixel range [0, 1]."""
    compares: Literal["signed", "magnitude"] = "signed"
    """Maps as they are, or their magnitudes."""
    seed: int = Field(default=0, ge=0)

    @property
    def sign(self) -> str:
        """Follows ``compares``."""
        if self.compares == "signed":
            return "signed values are compared: a change of sign is a change"
        return "magnitudes are compared: the sign is dropped"

    def probes(self, block: TileBlock, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the noisy copies, to be explained."""

        def make(steps: slice) -> Tensor:
            draws = range(self.samples)[steps]
            return torch.stack([block.images + self.noise(block, draw) for draw in draws])

        return (Probe(key=self._key(part), count=self.samples, make=make, explainer=part.explainer_id),)

    def minimum_explained(self) -> int:
        """One map for each copy; the clean one is stored."""
        return self.samples

    def noise(self, block: TileBlock, draw: int) -> Tensor:
        """Return [n, C, H, W], the noise that one draw adds to the images."""
        drawn = normal(seed_of(self.seed, _PURPOSE), block.keys, draw, block.images.shape[1:])
        return self.sigma * drawn.to(block.images)

    def moved(self, part: AttributionBlock, answers: Answers) -> Tensor:
        """Return float64 [samples, n]: the Euclidean distance of each copy's map from the clean one."""
        clean = self._compared(part.maps)
        return torch.stack([length(self._compared(maps) - clean) for maps in answers[self._key(part)]])

    def _compared(self, maps: Tensor) -> Tensor:
        return maps if self.compares == "signed" else maps.abs()

    def _key(self, part: AttributionBlock) -> ProbeKey:
        return (_PURPOSE, part.explainer_id, self.samples, self.sigma, self.seed)


def length(values: Tensor) -> Tensor:
    """Return float64 [n]: the Euclidean norm of each of n arrays."""
    norms: Tensor = torch.linalg.vector_norm(values.flatten(1), dim=1, dtype=torch.float64)
    return norms
