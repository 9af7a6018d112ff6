"""Two dyes on glass: stain vectors, Beer-Lambert absorption, and the camera behind it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.phantoms.canvas import Field, SlideCanvas

HEMATOXYLIN = (0.62, 0.69, 0.37)
"""Optical density of hematoxylin in red, green and blue, near Ruifrok and Johnston 2001."""

EOSIN = (0.11, 0.86, 0.50)
"""Optical density of eosin in red, green and blue, near Macenko et al. 2009."""

Rgb = NDArray[np.uint8]
"""uint8 [height, width, 3]."""


@dataclass(frozen=True)
class Stain:
    """The stain of a laboratory: ``matrix`` [2, 3] turns (hematoxylin, eosin) into optical density."""

    matrix: NDArray[np.float32]
    glass: NDArray[np.float32]
    blur_px: float
    grain: float


def patient_stain(spread: float, rng: np.random.Generator) -> Stain:
    """Draw the stain of a patient: hue of either dye, strength of either, tint of the glass, focus, grain."""
    vectors = np.array([HEMATOXYLIN, EOSIN]) + spread * rng.normal(0, 0.045, (2, 3))
    vectors = np.maximum(vectors, 0.02)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    strength = np.exp(spread * rng.uniform(-0.22, 0.22, 2)) * (1.12, 1.0)
    glass = 243 + spread * rng.uniform(-4, 4) + spread * rng.normal(0, 1.2, 3)
    return Stain(
        matrix=(vectors * strength[:, None]).astype(np.float32),
        glass=np.minimum(glass, 250).astype(np.float32),
        blur_px=0.55 + spread * rng.uniform(-0.1, 0.2),
        grain=1.8 + spread * rng.uniform(-0.5, 0.7),
    )


def slide_stain(patient: Stain, spread: float, rng: np.random.Generator) -> Stain:
    """Return a patient's stain with the small change of strength from one slide to the next."""
    change = np.exp(spread * rng.uniform(-0.06, 0.06, (2, 1))).astype(np.float32)
    return Stain(patient.matrix * change, patient.glass, patient.blur_px, patient.grain)


def photograph(
    canvas: SlideCanvas,
    dyes: tuple[Field, Field],
    extra: NDArray[np.float32] | None,
    stain: Stain,
    rng: np.random.Generator,
) -> Rgb:
    """Return the camera's picture of dye amounts (hematoxylin, eosin).

    Light falls by 10 to the minus optical density (Beer-Lambert); then come the blur of the lens and the
    noise of the sensor. ``extra`` is more optical density [height, width, 3], of ink.
    """
    thickness = 1 + 0.07 * canvas.noise(70, rng)
    lamp = 1 + 0.004 * canvas.noise(150, rng)
    picture = np.empty((*canvas.shape, 3), dtype=np.uint8)
    for channel in range(3):
        density = (dyes[0] * stain.matrix[0, channel] + dyes[1] * stain.matrix[1, channel]) * thickness
        if extra is not None:
            density = density + extra[..., channel]
        light = stain.glass[channel] * lamp * np.exp(np.float32(-np.log(10)) * density)
        light = ndimage.gaussian_filter(light, stain.blur_px, truncate=3.0)
        light += (
            rng.standard_normal(canvas.shape, dtype=np.float32) * stain.grain * np.sqrt(light / 255 + 0.1)
        )
        picture[..., channel] = np.clip(np.rint(light), 0, 255)
    return picture
