"""The slides of a cohort: which kinds of tiles lie where, and the label that the rule gives them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.phantoms.bags.recipe import BagPhantomRecipe, Rule

PLAIN, A, B, C, D = range(5)
"""The kinds of tiles."""

POSITIVE: dict[Rule, tuple[tuple[int, ...], ...]] = {
    "present": ((A,), (A, B)),
    "absent": ((), (B,)),
    "a_not_b": ((A,),),
    "pairs": ((A, B), (C, D)),
    "stamp": ((A,), (A, B)),
}
"""The kinds that are together on a positive slide; sets take turns."""

NEGATIVE: dict[Rule, tuple[tuple[int, ...], ...]] = {
    "present": ((), (B,)),
    "absent": ((A,), (A, B)),
    "a_not_b": ((), (B,), (A, B)),
    "pairs": ((A, C), (B, D)),
    "stamp": ((), (B,)),
}

FOR: dict[Rule, tuple[int, ...]] = {
    "present": (A,), "absent": (), "a_not_b": (A,), "pairs": (A, B, C, D), "stamp": (A,),
}  # fmt: skip
"""The kinds that speak for a positive label, wherever they are."""

AGAINST: dict[Rule, tuple[int, ...]] = {
    "present": (), "absent": (A,), "a_not_b": (B,), "pairs": (), "stamp": (),
}  # fmt: skip
"""The kinds that speak against it."""


@dataclass(frozen=True)
class PhantomBag:
    """One slide to draw.

    ``kinds`` int [rows, columns] is the kind of each tile and ``stamp`` (row, column) the tile that bears
    ink, None without. ``number`` counts the slides of the cohort.
    """

    slide_id: str
    split: str
    number: int
    positive: bool
    kinds: NDArray[np.int64]
    stamp: tuple[int, int] | None

    @property
    def patient_id(self) -> str:
        """The patient: one per slide."""
        return f"patient_{self.number:03d}"


def plan_bags(recipe: BagPhantomRecipe) -> Iterator[PhantomBag]:
    """Yield the slides of the cohort: train, val, test; positive and negative ones take turns."""
    number = 0
    for split in ("train", "val", "test"):
        for place in range(getattr(recipe, split)):
            yield _plan(recipe, split, number, place)
            number += 1


def stream_of(recipe: BagPhantomRecipe, number: int, purpose: int) -> np.random.Generator:
    """Return the generator for one purpose of one slide, independent of all other draws."""
    sequence = np.random.SeedSequence(recipe.seed, spawn_key=(number, purpose))
    return np.random.Generator(np.random.PCG64(sequence))


def _plan(recipe: BagPhantomRecipe, split: str, number: int, place: int) -> PhantomBag:
    rng, positive = stream_of(recipe, number, 0), place % 2 == 0
    sets = (POSITIVE if positive else NEGATIVE)[recipe.rule]
    together = sets[place // 2 % len(sets)]
    cells = rng.permutation(recipe.columns * recipe.rows)
    kinds = np.zeros(recipe.columns * recipe.rows, dtype=np.int64)
    kinds, used = _placed(kinds, cells, together, rng.integers(recipe.fewest, recipe.most + 1, 2))
    stamp = None
    if recipe.rule == "stamp" and (positive if split != "test" else place // 2 % 2 == 0):
        stamp = divmod(int(cells[used]), recipe.columns)
    return PhantomBag(
        slide_id=f"{recipe.rule}_{number:03d}",
        split=split,
        number=number,
        positive=positive,
        kinds=kinds.reshape(recipe.rows, recipe.columns),
        stamp=stamp,
    )


def _placed(
    kinds: NDArray[np.int64], cells: NDArray[np.int64], together: Sequence[int], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Return ``kinds`` with tiles of ``together`` on the first cells, and how many cells these are."""
    used = 0
    for kind, count in zip(together, counts, strict=False):
        kinds[cells[used : used + count]] = kind
        used += int(count)
    return kinds, used
