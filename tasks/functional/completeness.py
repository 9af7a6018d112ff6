"""How far maps that should sum to a change of the margin are from it."""

import numpy as np
from numpy.typing import NDArray

INCOMPLETE = 0.1
"""Share of the promised sums above which maps are called incomplete."""

Numbers = NDArray[np.floating]


def missed_fraction(errors: Numbers, sums: Numbers) -> float:
    """Return the sum of |error| over the sum of |promised| over maps; NaN where nothing was measured.

    Summed first, so that a map with next to nothing to share out does not count as much as the others.

    Args:
        errors: [N], the sum of each map minus what it should sum to; NaN where unknown.
        sums: [N], the sums.
    """
    known = np.isfinite(errors)
    if not known.any():
        return float("nan")
    missed = np.abs(errors[known]).sum()
    promised = np.abs(sums[known] - errors[known]).sum()
    return float(missed / promised) if promised > 0 else (0.0 if missed == 0 else float("inf"))


def completeness_note(errors: Numbers, sums: Numbers) -> tuple[str, ...]:
    """Return a sentence where the maps of a method that claims completeness are incomplete, else nothing."""
    share = missed_fraction(errors, sums)
    if not share > INCOMPLETE:
        return ()
    return (
        f"These maps are incomplete: they should sum to the change of the margin from the baseline, and miss "
        f"{share:.0%} of it. The rules of the method do not cover this network, or it needs more steps.",
    )
