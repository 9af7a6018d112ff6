"""Agreement of maps over models: what is left of a map when the seed, or the encoder, is another.

Source: rank correlation and overlap as in arXiv:1810.03292 and the study of encoders in medRxiv
2025.12.31.25343151; the fraction of tiles and the counting of ties are ours.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.tile_scores import TileScores
from tasks.functional.map_agreement import spearman, top_count, top_overlap
from tasks.samples.axes import MapKind

COLUMNS = ("slide_id", "first", "second", "tiles", "spearman", "overlap", "chance")


def agreement_of_maps(maps: Mapping[str, TileScores], kind: MapKind, fraction: float = 0.1) -> pd.DataFrame:
    """Return one row per slide and pair of models, columns :data:`COLUMNS`.

    ``spearman`` is the rank correlation over the tiles that both maps have values of, and ``overlap`` the
    fraction of the highest tiles that both have. ``chance`` is that of maps that know nothing of each other;
    the rank correlation is 0 by chance. A map that does not survive another seed explains the seed.

    Args:
        maps: by model, its scores; slides that not all models explained are left out.
        kind: contributions are compared signed, sensitivities by magnitude.
        fraction: of the tiles that count as the highest.
    """
    shared = [s for s in next(iter(maps.values())).slides if all(s in each.slides for each in maps.values())]
    rows = []
    for slide in shared:
        values = {name: _ranked(scores.values(slide), kind) for name, scores in maps.items()}
        for first, second in combinations(values, 2):
            one, other = values[first], values[second]
            both = np.isfinite(one) & np.isfinite(other)
            one, other, tiles = one[both], other[both], int(both.sum())
            overlap = top_overlap(one, other, fraction) if tiles else float("nan")
            chance = top_count(tiles, fraction) / tiles if tiles else float("nan")
            rows.append((slide, first, second, tiles, spearman(one, other), overlap, chance))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _ranked(values: NDArray[np.float32], kind: MapKind) -> NDArray[np.float32]:
    return values if kind == "contribution" else np.abs(values)
