"""When a loss term sets in."""


def ramp(progress: float, warmup: float, rise: float) -> float:
    """Return 0 until ``warmup``, then rise to 1 over the next ``rise``, all as fractions of training.

    ``progress`` runs from 0 to 1; with no ``rise`` the term sets in at once.
    """
    if progress < warmup:
        return 0.0
    return 1.0 if rise <= 0 else min(1.0, (progress - warmup) / rise)
