"""Units and scores of a made-up report, in blocks."""

import pandas as pd
import torch

from tasks.faithfulness.base import UnitScores

SCORED = ("gap", "area")
"""The scores of :func:`block`."""


def block(count: int, seed: int) -> UnitScores:
    """Return the scores of some units, with two curves of five points."""
    draw = torch.Generator().manual_seed(seed)
    return UnitScores(
        values={name: torch.rand(count, generator=draw) for name in SCORED},
        chance={"gap": torch.zeros(count)},
        errors={"area": torch.rand(count, generator=draw).double()},
        curves={name: torch.rand(count, 5, generator=draw) for name in ("morf", "lerf")},
        fractions=torch.linspace(0, 1, 5, dtype=torch.float64),
        excluded={"why": torch.rand(count, generator=draw) > 0.5},
    )


def units(counts: tuple[int, ...]) -> list[pd.DataFrame]:
    """Return the units of slides that have so many each."""
    return [
        pd.DataFrame(
            {
                "unit": "tile",
                "unit_id": [f"s{slide}/{i}" for i in range(count)],
                "slide_id": f"s{slide}",
                "patient_id": f"p{slide % 2}",
                "section": [i // 3 for i in range(count)],
                "label": ["tumour" if i % 2 else "" for i in range(count)],
            }
        )
        for slide, count in enumerate(counts)
    ]
