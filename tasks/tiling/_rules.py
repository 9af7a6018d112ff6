"""Which rule finds the tissue of a slide, and how much of it is in doubt."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.tiling._scene import Scene
from tasks.tiling._shapes import grown, opened
from tasks.tiling.recipe import TilingRecipe

Bools = NDArray[np.bool_]

SATURATION, GLASS = "saturation", "glass"

_GLASS_TAKEN, _BARE = 0.02, 0.5
_LEFT_OUT = 0.5
NEAR = 1.25
"""By how much a value may differ from a threshold and is near it."""

_SURE = 2.0


@dataclass(frozen=True)
class RuleChoice:
    """A rule, and the sentence why."""

    rule: str
    why: str


def choose_rule(scene: Scene, masks: dict[str, Bools], threshold: float, wanted: str) -> RuleChoice:
    """Return the rule for a slide.

    Args:
        scene: the slide.
        masks: {rule: bool [h, w]}, the tissue by each rule.
        threshold: of saturation.
        wanted: ``saturation``, ``glass``, or ``auto`` for the first unless what it takes for granted fails.
    """
    if wanted != "auto":
        return RuleChoice(wanted, "the recipe names this rule")
    glass, mask = scene.glass, masks[SATURATION]
    if not glass.seen:
        return RuleChoice(GLASS, "no empty glass is seen, so there are no two groups to tell apart")
    bare = glass.on_pixels(*mask.shape) & ~scene.rule.above(_BARE)
    taken = float((bare & mask).sum() / max(1, bare.sum()))
    if taken > _GLASS_TAKEN:
        return RuleChoice(
            GLASS,
            f"the glass is coloured (saturation {glass.saturation:.2f}), and the threshold on saturation of "
            f"{threshold:.2f} takes {taken:.0%} of it for tissue",
        )
    pale = float(_pale(scene, masks).sum() / max(1, mask.sum()))
    if pale > _LEFT_OUT:
        return RuleChoice(
            GLASS,
            f"the threshold on saturation of {threshold:.2f} leaves out pale stained tissue, {pale:.0%} of "
            f"the area that it finds",
        )
    return RuleChoice(SATURATION, "the glass is clear and the threshold on saturation leaves out little")


@dataclass
class Doubts:
    """Where the class of a pixel is in doubt, by reason."""

    scene: Scene
    masks: dict[str, Bools]
    rule: str
    reasons: dict[str, Bools] = field(default_factory=dict)

    def of(self, near: Bools) -> Self:
        """Collect all doubts; pieces below 3 x 3 pixels, as the rims of tissue are, raise none.

        Args:
            near: bool [h, w], where the saturation lies near its threshold.
        """
        density = self.scene.rule
        if self.rule == SATURATION:
            # Where the density agrees with the saturation, a near miss or hit is no doubt.
            near = near & np.where(self.masks[SATURATION], ~density.above(_SURE), density.above())
            self.reasons["pale"] = _pale(self.scene, self.masks)
        else:
            near = density.above(1 / NEAR) & ~density.above(NEAR)
        self.reasons["near_threshold"] = opened(near & self.scene.usable)
        self.reasons["ink"] = self.scene.ink & self.masks[self.rule]
        return self

    @property
    def anywhere(self) -> Bools:
        """Where there is any doubt, bool [h, w]."""
        found: Bools = np.logical_or.reduce(list(self.reasons.values()))
        return found

    def fractions(self, mask: Bools) -> dict[str, float]:
        """Return {reason: share of the tissue and of what may be tissue} of the reasons that there are."""
        whole = max(1, int((mask | self.anywhere).sum()))
        return {name: float(where.sum() / whole) for name, where in self.reasons.items() if where.any()}


def no_tissue_sentence(scene: Scene, rule: str, threshold: float, recipe: TilingRecipe, where: str) -> str:
    """Return the sentence for a slide without tissue."""
    measure = (
        f"more saturated than {threshold:.2f}"
        if rule == SATURATION
        else f"denser than the glass by {scene.rule.threshold:.2f}"
    )
    said = f"{where}: no tissue found, no piece of {recipe.min_speck_um:g} um or more is {measure}, as H&E is"
    if "pen" in recipe.left_out and scene.pen.any():
        said += (
            f"; {scene.pen.sum() / max(1, scene.scanned.sum()):.0%} of the slide has the colour of ink or a "
            f"wrong order of channels; a green or blue stain needs left_out without pen"
        )
    return said


def _pale(scene: Scene, masks: dict[str, Bools]) -> Bools:
    """Return what only density takes for tissue and what has a tint, without thin rims, bool [h, w]."""
    return opened(masks[GLASS] & ~masks[SATURATION] & grown(scene.tinted, 1) & scene.usable)
