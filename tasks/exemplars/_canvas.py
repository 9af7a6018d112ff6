"""Images as frequencies, which the ascent moves, and as pixels in (0, 1), which the network sees."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.functional.noise import normal, seed_of, uniform
from tasks.functional.tile_keys import tile_keys

_START = 0.01
"""Standard deviation of the frequencies at the start."""
_CLEAR = 0.02
"""Least distance of the mean colour from 0 and 1, the limits of a sigmoid."""
_LEAST_SPREAD = 0.01
"""Least standard deviation along any colour direction, so that tiles of one colour can still change."""


@dataclass(frozen=True)
class Palette:
    """The colours of some pixels in [0, 1]: their mean [3] and their covariance [3, 3], float64."""

    mean: Tensor
    covariance: Tensor


def first_spectra(names: Sequence[str], size_px: int, seed: int) -> Tensor:
    """Return float32 [M, 3, P, P // 2 + 1, 2]: small noise that depends on (seed, name) alone."""
    return normal(seed, tile_keys(names), 0, (3, size_px, size_px // 2 + 1, 2)) * _START


def painted(spectra: Tensor, palette: Palette) -> Tensor:
    """Return images [M, 3, P, P] in (0, 1) of spectra [M, 3, P, P // 2 + 1, 2], differentiable.

    Spectra of zero are an image of the mean colour. The real and imaginary part of each frequency are
    divided by the frequency, so that a step moves coarse and fine structure in the proportions of natural
    images. The three waves are mixed by the root of the palette's covariance, so that colours change together
    as they do in the tiles, and a sigmoid keeps pixels in range.

    Source: Olah, Mordvintsev and Schubert (2017), "Feature visualization", for frequencies and
    decorrelated colours; the palette of the study's own tiles is ours.
    """
    size = spectra.shape[2]
    waves = torch.view_as_complex(spectra.contiguous()) * _scale(size, spectra.device)
    pixels = torch.fft.irfft2(waves, s=(size, size), norm="ortho")
    mean = palette.mean.clamp(_CLEAR, 1 - _CLEAR)
    # Divided by the slope of the sigmoid at the mean, so that a small wave has the palette's size.
    mixing = (_root(palette.covariance) / (mean * (1 - mean))[:, None]).to(pixels)
    mixed = torch.einsum("ij,bjhw->bihw", mixing, pixels)
    return torch.sigmoid(mixed + torch.logit(mean).to(pixels)[:, None, None])


def shifted(images: Tensor, jitter_px: int, seed: int, draw: int) -> Tensor:
    """Return ``images`` rolled by up to ``jitter_px`` either way, by (seed, draw) alone."""
    where = uniform(seed_of(seed, "jitter"), torch.zeros(1, dtype=torch.int64), draw, (2,))[0]
    down, across = (int(part * (2 * jitter_px + 1)) - jitter_px for part in where.tolist())
    return images.roll((down, across), dims=(2, 3))


def _scale(size: int, device: torch.device) -> Tensor:
    rows = torch.fft.fftfreq(size, device=device)[:, None]
    columns = torch.fft.rfftfreq(size, device=device)[None]
    frequencies = (rows.square() + columns.square()).sqrt().clamp_min(1 / size)
    return torch.reciprocal(frequencies)


def _root(covariance: Tensor) -> Tensor:
    """Return the symmetric root: unlike a triangular one it favours no channel."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp_min(_LEAST_SPREAD**2).sqrt()) @ vectors.T
    return root
