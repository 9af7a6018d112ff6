"""A sample of tiles that is the same in every run, for every model and in every order."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.functional.tile_keys import tile_keys


def sampled(tile_ids: Sequence[str], most: int | None) -> NDArray[np.intp]:
    """Return the indices of at most ``most`` of ``tile_ids``, in their order; all of them if None.

    The tiles with the lowest keys are taken, a hash of the id alone. So a smaller sample lies within a larger
    one, and no region of the slide is favoured.
    """
    places = np.arange(len(tile_ids))
    if most is None or len(tile_ids) <= most:
        return places
    keys = tile_keys(tile_ids).numpy()
    return np.sort(places[np.argsort(keys, kind="stable")[:most]])
