"""Bisection for the sigma at which a curve crosses a level."""

import math
from collections.abc import Callable
from dataclasses import dataclass

LOWEST, HIGHEST = 1e-4, 1.0
"""The range of sigma that is searched."""
HALVINGS = 9
"""Halvings of the bracket on a logarithmic scale. Its ends are then 2 % apart, far less than the spread of
weight draws."""


class NoCrossingError(ValueError):
    """The curve stays below the level at all sigmas tried."""


@dataclass(frozen=True)
class Crossing:
    """Two neighbouring sigmas: the value is below the level at ``below`` and not so at ``above``."""

    below: float
    above: float
    nearest: float
    """The one of the two whose value is nearer to the level."""


def find_crossing(value_at: Callable[[float], float], level: float) -> Crossing:
    """Return a crossing of ``level`` by bisection on the logarithm of sigma.

    A curve that is not monotone, such as one measured on few tiles, may cross several times. The same
    crossing is always found. If the value at the least sigma is not below the level, that sigma is both ends.

    Raises:
        NoCrossingError: the value at the greatest sigma is below the level.
    """
    values = {HIGHEST: value_at(HIGHEST)}
    if values[HIGHEST] < level:
        raise NoCrossingError(f"{values[HIGHEST]:.3g} at sigma {HIGHEST:g}")
    values[LOWEST] = value_at(LOWEST)
    if values[LOWEST] >= level:
        return Crossing(LOWEST, LOWEST, LOWEST)
    below, above = LOWEST, HIGHEST
    for _ in range(HALVINGS):
        middle = math.sqrt(below * above)
        values[middle] = value_at(middle)
        below, above = (middle, above) if values[middle] < level else (below, middle)
    return Crossing(below, above, min((below, above), key=lambda sigma: abs(values[sigma] - level)))
