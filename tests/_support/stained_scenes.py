"""Slides whose tissue is known: stained rectangles on glass of any colour, with what goes wrong on slides.

A scene is uint8 [320, 512, 3] at 2 um/px. Its tissue fills columns 128 to 384 and rows 96 to 288, which are
192 of its 640 tiles of 16 px, unless a function says otherwise.
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

WIDTH, HEIGHT, MPP, TILE_PX = 512, 320, 2.0, 16
BOX = (slice(96, 288), slice(128, 384))
CLEAR = (245, 245, 245)
HEMATOXYLIN, EOSIN = np.array((0.62, 0.69, 0.37)), np.array((0.11, 0.86, 0.50))
DAB, BLUE_COUNTERSTAIN = np.array((0.27, 0.57, 0.78)), np.array((0.65, 0.60, 0.30))

Pixels = np.ndarray


def on_glass(density: Pixels, colour: tuple[int, int, int] = CLEAR, seed: int = 0) -> Pixels:
    """Return optical density [h, w, 3] as a camera sees it on glass of a colour, with a little noise."""
    noise = np.random.default_rng(seed).normal(0, 1.2, density.shape)
    return np.clip(np.rint(np.array(colour) * 10.0**-density + noise), 0, 255).astype(np.uint8)


def empty(height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    """Return no optical density."""
    return np.zeros((height, width, 3))


def stained(
    height: int, width: int, dyes: tuple[Pixels, Pixels] = (HEMATOXYLIN, EOSIN), seed: int = 0,
    strength: float = 1.0,
) -> Pixels:  # fmt: skip
    """Return the optical density of tissue: nuclei in the first dye on a ground of the second."""
    rng = np.random.default_rng(seed)
    ground = 0.32 + 0.10 * _cloud(height, width, 3, rng) + 0.05 * _cloud(height, width, 1, rng)
    dots = ndimage.gaussian_filter((rng.random((height, width)) < 0.019).astype(float), 1.25)
    nuclei = np.clip(dots * 9.4, 0, 1.0)
    return strength * (np.clip(ground, 0.1, 1)[..., None] * dyes[1] + nuclei[..., None] * dyes[0])


def _cloud(height: int, width: int, scale: float, rng: np.random.Generator) -> Pixels:
    field = ndimage.gaussian_filter(rng.normal(size=(height, width)), scale)
    return field / field.std()


def tissue_density(**settings: object) -> Pixels:
    """Return the density of a scene with tissue in its box."""
    density = empty()
    density[BOX] = stained(192, 256, **settings)
    return density


def plain() -> Pixels:
    """H&E on clear glass."""
    return on_glass(tissue_density())


def canvas(colour: tuple[int, int, int], columns: int = 96) -> Pixels:
    """H&E beside a strip that was not scanned and has one colour."""
    pixels = plain()
    pixels[:, :columns] = colour
    return pixels


def glass_of(colour: tuple[int, int, int]) -> Pixels:
    """H&E on glass of a colour."""
    return on_glass(tissue_density(), colour)


def pale_with_brown(strength: float = 0.6) -> Pixels:
    """An antibody stain: three quarters of the tissue have pale nuclei alone, the rest is brown."""
    density = empty()
    none = np.zeros(3)
    density[BOX] = stained(192, 256, (BLUE_COUNTERSTAIN, 0.35 * BLUE_COUNTERSTAIN + none), strength=strength)
    brown = (BOX[0], slice(320, 384))
    density[brown] += 0.8 * DAB
    return on_glass(density)


def flat_pale_with_brown() -> Pixels:
    """The same without any structure."""
    pixels = np.full((HEIGHT, WIDTH, 3), CLEAR, np.uint8)
    pixels[BOX] = (207, 213, 225)
    pixels[BOX[0], 320:384] = (123, 75, 39)
    return pixels


def all_tissue(seed: int = 0, strength: float = 1.0) -> Pixels:
    """H&E that fills the slide: there is no glass, and all of 640 tiles are tissue."""
    return on_glass(stained(HEIGHT, WIDTH, seed=seed, strength=strength))


def flat_tissue() -> Pixels:
    """Four flat colours of tissue and no glass."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    colours = ((219, 93, 189), (159, 111, 177), (207, 60, 170), (140, 60, 190))
    for number, colour in enumerate(colours):
        rows, columns = slice(160 * (number // 2), None), slice(256 * (number % 2), None)
        pixels[rows, columns] = colour
    return pixels


def unevenly_lit(darkest: float = 0.72, tint: tuple[float, float, float] = (1, 0.97, 0.93)) -> Pixels:
    """H&E under a lamp that falls off to one corner, where its colour changes too."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    fall = 1 - (1 - darkest) * ((columns / WIDTH) ** 2 + (rows / HEIGHT) ** 2) / 2
    lamp = fall[..., None] * (1 - (1 - np.array(tint)) * (columns / WIDTH)[..., None])
    return np.clip(plain() * lamp, 0, 255).astype(np.uint8)


def with_pen(colour: tuple[int, int, int], pixels: Pixels | None = None, opacity: float = 0.85) -> Pixels:
    """H&E with a thick, uneven stroke of a pen on the glass left of it, nowhere on the tissue."""
    pixels = (plain() if pixels is None else pixels).astype(float)
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    stroke = np.abs(columns - 55 - 15 * np.sin(rows / 47)) < 27 + 2 * np.sin(rows / 4)
    flow = ndimage.gaussian_filter(stroke.astype(float), 0.6) * opacity
    flow = (flow * (1 + 0.04 * _cloud(HEIGHT, WIDTH, 5, rng)))[..., None].clip(0, 1)
    return np.clip(pixels * (1 - flow) + np.array(colour) * flow, 0, 255).astype(np.uint8)


def fat() -> Pixels:
    """Fat: empty cells of 60 um between thin strands, which all of the tissue in the box consists of."""
    density = empty()
    rng = np.random.default_rng(3)
    seeds = np.ones((192, 256))
    seeds[rng.integers(0, 192, 90), rng.integers(0, 256, 90)] = 0
    _, nearest = ndimage.distance_transform_edt(seeds, return_indices=True)
    cells = nearest[0] * 256 + nearest[1]
    wall = ndimage.binary_dilation(ndimage.morphological_gradient(cells, 3) > 0, iterations=1)
    density[BOX] = 0.5 * stained(192, 256) * wall[..., None] + 0.02 * EOSIN
    return on_glass(density)


def necrosis() -> Pixels:
    """H&E of which the right half is dead: pale pink without nuclei or structure."""
    density = tissue_density()
    density[BOX[0], 256:384] = 0.16 * EOSIN
    return on_glass(density)


def small_biopsy() -> tuple[Pixels, Pixels]:
    """Return a core of 32 x 128 px on a slide of 1024 x 640 px, and where it is, bool [h, w]."""
    density = empty(640, 1024)
    mask = np.zeros((640, 1024), bool)
    mask[256:384, 480:512] = True
    density[256:384, 480:512] = stained(128, 32)
    return on_glass(density), mask


def small_biopsy_alone() -> Pixels:
    """The same without where it is."""
    return small_biopsy()[0]


def folded() -> Pixels:
    """H&E with a band of 72 um across the tissue where it lies double and treble."""
    density = tissue_density()
    density[BOX[0], 236:272] *= 2.6
    return on_glass(density)


def blurred(sigma_um: float = 24.0) -> Pixels:
    """H&E of which the right third is far out of focus."""
    pixels = plain()
    soft = ndimage.gaussian_filter(pixels.astype(float), (sigma_um / MPP, sigma_um / MPP, 0))
    pixels[:, 300:] = np.rint(soft[:, 300:])
    return pixels


def ycbcr_as_rgb(pixels: Pixels) -> Pixels:
    """Return luma and two chromas in the place of red, green and blue."""
    red, green, blue = np.moveaxis(pixels.astype(float), -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chromas = (128 + (blue - luma) * 0.564, 128 + (red - luma) * 0.713)
    return np.clip(np.rint(np.stack((luma, *chromas), -1)), 0, 255).astype(np.uint8)


def rgb_as_ycbcr(pixels: Pixels) -> Pixels:
    """Return what a decoder shows that takes red, green and blue for luma and two chromas."""
    luma, first, second = np.moveaxis(pixels.astype(float), -1, 0)
    first, second = first - 128, second - 128
    shown = (luma + 1.402 * second, luma - 0.344 * first - 0.714 * second, luma + 1.772 * first)
    return np.clip(np.rint(np.stack(shown, -1)), 0, 255).astype(np.uint8)


WRONG_COLOURS: dict[str, Callable[[Pixels], Pixels]] = {
    "ycbcr": ycbcr_as_rgb,
    "twice": rgb_as_ycbcr,
    "inverted": lambda pixels: 255 - pixels,
    "swapped": lambda pixels: pixels[..., ::-1],
    "gray": lambda pixels: np.repeat(pixels.mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1),
    "green first": lambda pixels: pixels[..., [1, 0, 2]],
}
"""Mistakes of a converter or decoder by name."""
