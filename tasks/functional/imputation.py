"""Removed pixels imputed from their neighbours: the linear part of ROAD's imputation."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.functional.coarse_grid import CoarseGrid

RELATIVE_RESIDUAL = 5e-6
"""The iteration of an image stops when each channel's residual is below this fraction of the right side's
norm."""

_LOOK_EVERY = 4
"""Iterations between two checks of the residuals; each check makes an accelerator wait."""
_VALUES_IN_CACHE = 1 << 19
_MOST_LOOKS = 100
_DIAGONAL = 12.0
_TINY = 1e-30


class ImputationError(ArithmeticError):
    """The iteration did not converge: the images hold values that are not finite."""


def imputed(images: Tensor, removed: Tensor, colour: Tensor) -> Tensor:
    """Return [B, C, H, W]: the images with each removed pixel the weighted mean of its neighbours.

    The eight neighbours weigh 1/6 (beside, above, below) and 1/12 (diagonal). Where a neighbour lies outside
    the image the weights of the others are divided by their sum. The removed neighbours are unknowns too, so
    the removed pixels of a channel are the solution of a linear system. Known pixels keep their values; an
    image without removed pixels is returned as it is, and one without known pixels is ``colour``.

    The systems of all images and channels, multiplied by the sums of weights to be symmetric, are solved
    together by conjugate gradients, preconditioned by a :class:`~tasks.functional.coarse_grid.CoarseGrid`. An
    image is removed when it has converged, so its result does not depend on the other images.

    Args:
        images: float [B, C, H, W].
        removed: bool [B, H, W], the pixels to fill in.
        colour: [C], the colour of an image of which nothing is known.

    Raises:
        ImputationError: an image holds a value that is not finite.

    Source: Rong et al. (2022), arXiv:2202.00449, "A consistent and efficient evaluation strategy for
    attribution methods", without the noise that is added to it; the border as in the authors' program. The
    solver is ours: theirs is a sparse direct one, image by image.
    """
    result = torch.empty_like(images)
    for rows in _together(images):
        result[rows] = _filled_in(images[rows], removed[rows, None], colour)
    return result


def _together(images: Tensor) -> Iterator[slice]:
    """Yield the images to solve at once: all on an accelerator, on a CPU what suits cache and threads."""
    in_cache = _VALUES_IN_CACHE // images.shape[1:].numel()
    step = max(1, in_cache if images.device.type == "cpu" else len(images))
    return (slice(start, start + step) for start in range(0, len(images), step))


def _filled_in(images: Tensor, removed: Tensor, colour: Tensor) -> Tensor:
    known = torch.where(removed, 0.0, images)
    count = (~removed).sum((2, 3), keepdim=True)
    # Numbers near zero lose less in float32, and a constant does not change the system.
    middle = torch.where(count > 0, known.sum((2, 3), keepdim=True) / count, colour.to(images).view(-1, 1, 1))
    above = torch.where(removed, 0.0, images - middle)
    unknown = removed.to(images)
    return torch.where(removed, middle + _solved(unknown, unknown * _smoothed(above)), images)


def _smoothed(values: Tensor) -> Tensor:
    """Return twelve times the weighted sum of the neighbours, plus four times the pixel; zero outside.

    Those are the weights (1, 2, 1) by (1, 2, 1), which is a sum of pairs, twice along each axis.
    """
    pairs = F.pad(values, (1, 1, 1, 1))
    for _ in range(2):
        pairs = pairs[..., 1:] + pairs[..., :-1]
    for _ in range(2):
        pairs = pairs[..., 1:, :] + pairs[..., :-1, :]
    return pairs


@dataclass(frozen=True)
class _System:
    """The symmetric operator of the unknown pixels, and its preconditioner."""

    unknown: Tensor
    weight: Tensor
    grid: CoarseGrid

    @classmethod
    def of(cls, unknown: Tensor) -> "_System":
        weight = _smoothed(torch.ones_like(unknown[:1]))
        return cls(unknown, weight, CoarseGrid.of(lambda values: _applied(values, unknown, weight), unknown))

    def applied(self, values: Tensor) -> Tensor:
        return _applied(values, self.unknown, self.weight)

    def roughly_solved(self, residual: Tensor) -> Tensor:
        # A pixel for itself would say residual / diagonal; the whole is times that, which changes no step.
        return self.grid.helped(residual, times=_DIAGONAL)

    def of_rows(self, rows: Tensor) -> "_System":
        return _System(self.unknown[rows], self.weight, self.grid.of_rows(rows))


def _applied(values: Tensor, unknown: Tensor, weight: Tensor) -> Tensor:
    """Return, times twelve, each unknown pixel by its sum of weights minus its unknown neighbours."""
    return (weight * values).sub_(_smoothed(values)).mul_(unknown)


@dataclass
class _Descent:
    """The state of the preconditioned conjugate gradients of some images."""

    solution: Tensor
    residual: Tensor
    direction: Tensor
    energy: Tensor
    enough: Tensor

    @classmethod
    def of(cls, system: _System, right: Tensor) -> "_Descent":
        direction = system.roughly_solved(right)
        enough = RELATIVE_RESIDUAL**2 * _products(right, right)
        return cls(torch.zeros_like(right), right.clone(), direction, _products(right, direction), enough)

    def step(self, system: _System) -> None:
        change = system.applied(self.direction)
        length = _ratio(self.energy, _products(self.direction, change))
        self.solution.addcmul_(length, self.direction)
        self.residual.addcmul_(length, change, value=-1)
        rough = system.roughly_solved(self.residual)
        energy = _products(self.residual, rough)
        self.direction.mul_(_ratio(energy, self.energy)).add_(rough)
        self.energy = energy

    def unsettled(self) -> Tensor:
        """Return int64: the images with a channel that has not converged; NaN never converges."""
        rests = _products(self.residual, self.residual) <= self.enough
        return (~rests.flatten(1).all(1)).nonzero().flatten()

    def of_rows(self, rows: Tensor) -> "_Descent":
        parts = (self.solution, self.residual, self.direction, self.energy, self.enough)
        return _Descent(*(part[rows] for part in parts))


def _products(first: Tensor, second: Tensor) -> Tensor:
    return (first * second).sum((2, 3), keepdim=True)


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """Return above / below, and 0 for 0 / 0: a channel that converges before others of its image."""
    return above / below.clamp_min(_TINY)


def _solved(unknown: Tensor, right: Tensor) -> Tensor:
    """Return [B, C, H, W]: the solution of each image and channel, 0 where nothing is unknown."""
    result, rows = torch.zeros_like(right), torch.arange(len(right), device=right.device)
    system = _System.of(unknown)
    descent = _Descent.of(system, right)
    for _ in range(_MOST_LOOKS):
        moving = descent.unsettled()
        if len(moving) < len(rows):
            result[rows] = descent.solution
            rows, system, descent = rows[moving], system.of_rows(moving), descent.of_rows(moving)
        if len(moving) == 0:
            return result
        for _ in range(_LOOK_EVERY):
            descent.step(system)
    raise ImputationError("the imputation does not settle: an image holds a value that is not finite")
