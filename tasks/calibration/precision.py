"""How many tiles a drop of accuracy needs to be told from chance."""

import math
from collections.abc import Mapping

from tasks.calibration.errors import SigmaSearchError
from tasks.calibration.recipe import CalibrationRecipe

TOLERATED = 0.5
"""Largest standard error of a drop, as a fraction of the drop itself."""


def effective_tiles(counts: Mapping[str, int]) -> float:
    """Return the number of tiles, in equal numbers per class, that measure balanced accuracy as well.

    Of K classes with n_k tiles, of which a fraction p errs, the variance of balanced accuracy is
    p (1 - p) sum(1 / n_k) / K^2. Of N tiles in equal numbers it is p (1 - p) / N. Classes without a tile take
    no part.
    """
    there = [count for count in counts.values() if count]
    return len(there) ** 2 / sum(1 / count for count in there)


def relative_error(lost: float, counts: Mapping[str, int]) -> float:
    """Return the standard error of ``lost``, a fraction of all tiles, as a fraction of itself."""
    return math.sqrt((1 - lost) / (lost * effective_tiles(counts)))


def needed_tiles(lost: float) -> int:
    """Return how many tiles in equal numbers per class keep that error at :data:`TOLERATED`."""
    # Of 2.0000000000000004 tiles two are enough.
    return math.ceil((1 - lost) / lost / TOLERATED**2 - 1e-9)


def refuse_too_few(counts: Mapping[str, int], above_chance: float, recipe: CalibrationRecipe) -> None:
    """Refuse a search whose drop is smaller than what so few tiles can tell.

    One tile moves the accuracy in a step. With the wanted drop, ``lost`` = drop x ``above_chance`` of the
    tiles err that did not. Each tile counts as one draw: averaging over weight draws does not make up for
    tiles.

    Args:
        counts: the tiles of each class.
        above_chance: the clean balanced accuracy minus that of guessing.
        recipe: the wanted drop.

    Raises:
        SigmaSearchError: the standard error is more than half of the drop.
    """
    lost = recipe.drop * above_chance
    error = relative_error(lost, counts)
    if error > TOLERATED:
        found = " and ".join(f"{count} {name}" for name, count in counts.items())
        raise SigmaSearchError(
            f"a drop of {recipe.drop:.3g} above chance is {lost:.1%} of the tiles, and {found} validation "
            f"tiles tell it with a standard error of {error:.0%} of itself; at most {TOLERATED:.0%} is "
            f"allowed, which takes {needed_tiles(lost)} tiles in equal numbers per class (at most "
            f"{recipe.tiles} are used): validate on more slides, raise 'calibration_tiles' or 'drop', or set "
            "sigma to a number"
        )
