"""Where tissue is at low resolution, by one of two rules, and what is an artefact or in doubt.

The first rule is Otsu's threshold on saturation. Where what it takes for granted does not hold (clear glass,
tissue that is about equally strong), tissue is what is denser than the glass around it.

Otsu, N. (1979), A threshold selection method from gray-level histograms, doi 10.1109/TSMC.1979.4310076.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from tasks.slides.errors import SlideError
from tasks.slides.overview import Overview
from tasks.slides.pixels import Rgb
from tasks.tiling._artefacts import find_blur, find_folds
from tasks.tiling._bands import bands, counts_of, highest, lowest
from tasks.tiling._colours import swapped_colours
from tasks.tiling._rules import GLASS, NEAR, SATURATION, Doubts, choose_rule, no_tissue_sentence
from tasks.tiling._scene import Scene, look
from tasks.tiling.recipe import TilingRecipe, disc_um2

Bools = NDArray[np.bool_]

BACKGROUND, TISSUE, PEN, CANVAS, FOLD, BLUR = range(6)
CLASSES = ("background", "tissue", "pen", "canvas", "fold", "blur")
"""What a pixel of the overview can be. Folds and blur are tissue as well, pen and canvas are none."""

_SIDES, _SIDES_AND_CORNERS = 1, 2
_INKED = 0.2
_SWAPPED = "red and blue seem to be swapped: dense tissue is red and pale tissue is blue"


@dataclass(frozen=True)
class TissueNotes:
    """How tissue was found on a slide.

    Attributes:
        rule: ``saturation``, or ``glass`` where tissue is what is denser than the glass around it.
        why: why this rule, one sentence.
        density: the optical density over glass above which a pixel is tissue by the rule ``glass``.
        glass_rgb: colour of the empty glass, three levels of 0 to 255; None where no glass was seen.
        doubts: {reason: share of the tissue whose class is in doubt for it}.
        warnings: what else looks wrong, one sentence each.
    """

    rule: str = "saturation"
    why: str = ""
    density: float | None = None
    glass_rgb: tuple[int, int, int] | None = None
    doubts: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tissue:
    """The tissue of one slide at low resolution.

    Attributes:
        mask: bool [h, w]; unreadable regions count as tissue, so that their tiles are tried and counted.
        downsample_x: level-0 pixels per mask pixel along x.
        downsample_y: level-0 pixels per mask pixel along y.
        pixel_um2: area of a mask pixel in square micrometres.
        threshold: the saturation above which a pixel is tissue by the rule ``saturation``.
        classes: uint8 [h, w], index into ``CLASSES``; None where nobody looked.
        doubt: bool [h, w], where the class is in doubt; None where nobody looked.
        notes: how the tissue was found.
    """

    mask: Bools
    downsample_x: float
    downsample_y: float
    pixel_um2: float
    threshold: float
    classes: NDArray[np.uint8] | None = None
    doubt: Bools | None = None
    notes: TissueNotes = TissueNotes()

    @property
    def doubt_fraction(self) -> float:
        """Share of the tissue, and of what may be tissue, whose class is in doubt, 0 to 1."""
        if self.doubt is None:
            return 0.0
        return float(self.doubt.sum() / max(1, (self.doubt | self.mask).sum()))

    @property
    def bare(self) -> Bools:
        """Where there is neither tissue nor pen nor canvas, bool [h, w]: the glass."""
        return ~self.mask if self.classes is None else ~self.mask & ~np.isin(self.classes, (PEN, CANVAS))

    def class_fractions(self) -> dict[str, float]:
        """Return {class: share of the slide} of all that there are but the background."""
        if self.classes is None:
            return {}
        counts = counts_of(self.classes, len(CLASSES) - 1) / self.classes.size
        return {name: float(counts[i]) for i, name in enumerate(CLASSES) if i and counts[i]}


def find_tissue(overview: Overview, pixel_um2: float, recipe: TilingRecipe, where: str) -> Tissue:
    """Return where tissue lies.

    By the first rule a pixel is tissue where its saturation, after a 3 x 3 median, exceeds Otsu's threshold,
    which is held within ``recipe.saturation_range``. The second rule replaces it where no glass is seen,
    where the threshold takes glass for tissue, or where it leaves out stained tissue of more than half of the
    area that it finds; ``recipe.tissue_rule`` can name either. The artefacts of ``recipe.left_out`` are no
    tissue. Then pieces (8-connected) smaller than ``min_speck_um`` are dropped and holes (4-connected, closed
    all round) smaller than ``min_hole_um`` are filled, in this order.

    Raises:
        SlideError: nothing can be read, the colours are wrong (fluorescence, grey, a wrong colour space), or
            there is no tissue.
    """
    if not overview.readable.any():
        raise SlideError(f"{where}: no part of the slide can be read: {overview.reason}")
    scene = look(overview, float(np.sqrt(pixel_um2)), recipe.left_out, where)
    coloured, near, threshold = _by_saturation(scene, recipe.saturation_range)
    masks = {
        SATURATION: clean(coloured & scene.usable, pixel_um2, recipe),
        GLASS: clean(scene.rule.above() & scene.usable, pixel_um2, recipe),
    }
    choice = choose_rule(scene, masks, threshold, recipe.tissue_rule)
    mask = masks[choice.rule]
    doubts = Doubts(scene, masks, choice.rule).of(near)
    if not mask.any() and overview.readable.all():
        raise SlideError(no_tissue_sentence(scene, choice.rule, threshold, recipe, where))
    classes = _classes(scene, mask, pixel_um2)
    for name, value in (("fold", FOLD), ("blur", BLUR)):
        if name in recipe.left_out:
            mask = mask & (classes != value)
    notes = TissueNotes(
        rule=choice.rule,
        why=choice.why,
        density=scene.rule.threshold if choice.rule == GLASS else None,
        glass_rgb=_levels(scene) if scene.glass.seen else None,
        doubts=doubts.fractions(mask),
        warnings=_warnings(scene, mask),
    )
    return Tissue(
        mask | ~overview.readable, overview.downsample_x, overview.downsample_y, pixel_um2, threshold,
        classes, doubts.anywhere, notes,
    )  # fmt: skip


def _classes(scene: Scene, mask: Bools, pixel_um2: float) -> NDArray[np.uint8]:
    pixel_um = float(np.sqrt(pixel_um2))
    classes = np.where(mask, np.uint8(TISSUE), np.uint8(BACKGROUND))
    classes[find_blur(scene.pixels, mask, pixel_um)] = BLUR
    classes[find_folds(scene.mean, mask, pixel_um)] = FOLD
    classes[scene.pen] = PEN
    classes[scene.canvas] = CANVAS
    return classes


def _warnings(scene: Scene, mask: Bools) -> tuple[str, ...]:
    found = [_SWAPPED] if swapped_colours(scene.pixels, mask, scene.glass) else []
    inked = float((scene.ink & mask).sum() / max(1, mask.sum()))
    if inked > _INKED:
        found.append(
            f"{inked:.0%} of the tissue has colours of ink: a pen wrote on the slide, its channels are in a "
            f"wrong order, or the stain is green or blue"
        )
    return tuple(found)


def _levels(scene: Scene) -> tuple[int, int, int]:
    red, green, blue = (round(float(value)) for value in scene.glass.colour)
    return red, green, blue


def _by_saturation(scene: Scene, allowed: tuple[float, float]) -> tuple[Bools, Bools, float]:
    """Return what is more saturated than the threshold, what lies near it, both bool [h, w], and it."""
    saturation = np.empty(scene.scanned.shape, dtype=np.float32)
    for band in bands(len(saturation), halo=1):
        own = ndimage.median_filter(saturation_of(scene.pixels[band.with_halo]), size=3)
        saturation[band.rows] = own[band.inner]
    whole = bool(scene.scanned.all())
    threshold = _threshold(saturation if whole else saturation[scene.scanned], allowed)
    near = (saturation > threshold / NEAR) & (saturation <= threshold * NEAR)
    return saturation > threshold, near, threshold


def saturation_of(pixels: Rgb) -> NDArray[np.float32]:
    """Return HSV saturation, float32 in [0, 1], of uint8 [..., 3]: (max - min) / max, 0 for black."""
    brightest = highest(pixels).astype(np.float32)
    darkest = lowest(pixels).astype(np.float32)
    saturation: NDArray[np.float32] = np.divide(
        brightest - darkest, np.maximum(brightest, np.float32(1)), dtype=np.float32
    )
    return saturation


def clean(mask: NDArray[np.bool_], pixel_um2: float, recipe: TilingRecipe) -> NDArray[np.bool_]:
    """Return ``mask`` without too small specks, then without too small holes."""
    speck = disc_um2(recipe.min_speck_um) / pixel_um2
    hole = disc_um2(recipe.min_hole_um) / pixel_um2
    kept = _drop_smaller(mask, speck, _SIDES_AND_CORNERS)
    gaps, count = ndimage.label(~kept, ndimage.generate_binary_structure(2, _SIDES))
    small = counts_of(gaps, count) < hole
    for edge in (gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]):
        small[edge] = False
    small[0] = False
    filled: NDArray[np.bool_] = kept | small[gaps]
    return filled


def _drop_smaller(mask: NDArray[np.bool_], pixels: float, connected_by: int) -> NDArray[np.bool_]:
    pieces, count = ndimage.label(mask, ndimage.generate_binary_structure(2, connected_by))
    large = counts_of(pieces, count) >= pixels
    large[0] = False
    kept: NDArray[np.bool_] = large[pieces]
    return kept


def _threshold(saturation: NDArray[np.float32], allowed: tuple[float, float]) -> float:
    if saturation.min() == saturation.max():
        return allowed[0]
    return min(max(float(threshold_otsu(saturation)), allowed[0]), allowed[1])
