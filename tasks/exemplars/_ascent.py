"""Gradient ascent of images towards high values of a network, with new weight noise at every step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from tasks.exemplars._canvas import Palette, painted, shifted
from tasks.functional.weight_noise import weight_noise

Value = Callable[[Tensor], Tensor]
"""Images [M, 3, P, P] -> the value of each to be raised, [M]; images do not influence each other."""


@dataclass(frozen=True)
class Ascent:
    """Settings of the ascent, with the fields of ``ActivationMaximisation``."""

    steps: int
    learning_rate: float
    sigma: float
    draws_per_step: int
    jitter_px: int
    seed: int


@dataclass(frozen=True)
class Summit:
    """The objective: the ``value`` of images with colours of ``palette`` under ``model``."""

    model: nn.Module
    value: Value
    palette: Palette


@dataclass(frozen=True)
class Climbed:
    """The final M images and the course of the ascent.

    Attributes:
        images: float32 [M, 3, P, P] in (0, 1).
        start: [M], the value before the first step, with the original weights and the image not rolled.
        end: [M], the same after the last step.
        seen: [steps, M], the value at each step, with noisy weights and the rolled image.
    """

    images: Tensor
    start: Tensor
    end: Tensor
    seen: Tensor

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return several as one."""
        return cls(
            images=torch.cat([part.images for part in parts]),
            start=torch.cat([part.start for part in parts]),
            end=torch.cat([part.end for part in parts]),
            seen=torch.cat([part.seen for part in parts], dim=1),
        )


def climb(how: Ascent, summit: Summit, start: Tensor, advance: Callable[[int], None]) -> Climbed:
    """Return the images at the end; the weights are left as found, also after an exception.

    Args:
        how: the settings.
        summit: what is raised.
        start: spectra [M, 3, P, P // 2 + 1, 2], on the model's device.
        advance: called with the number of images moved by each step.
    """
    spectra = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([spectra], lr=how.learning_rate)
    seen = []
    for step in range(how.steps):
        slope, values = _slope(how, summit, spectra, step)
        spectra.grad = -slope
        optimiser.step()
        seen.append(values)
        advance(len(spectra))
    with torch.no_grad():
        images = painted(spectra, summit.palette)
        before, after = (summit.value(each) for each in (painted(start, summit.palette), images))
    return Climbed(images, before, after, torch.stack(seen))


def _slope(how: Ascent, summit: Summit, spectra: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Return the gradient with respect to the spectra and the values [M], averaged over draws."""
    slope, seen = torch.zeros_like(spectra), torch.zeros(len(spectra), device=spectra.device)
    for draw in range(step * how.draws_per_step, (step + 1) * how.draws_per_step):
        with torch.enable_grad(), weight_noise(summit.model, how.sigma, how.seed, draw):
            images = shifted(painted(spectra, summit.palette), how.jitter_px, how.seed, draw)
            values = summit.value(images)
            slope += torch.autograd.grad(values.sum(), spectra)[0] / how.draws_per_step
        seen += values.detach() / how.draws_per_step
    return slope, seen
