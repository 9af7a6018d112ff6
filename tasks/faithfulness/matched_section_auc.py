"""Matched section AUC: on a stitched section, do cells inside the outline score above equally dark ones?"""

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.sources import Rows
from tasks.faithfulness.section_auc import SectionAuc
from tasks.functional.colour import optical_density
from tasks.functional.matched_auc import matched_auc


class MatchedSectionAuc(SectionAuc):
    """The section AUC in pairs of cells that darkness cannot decide.

    Tumour is darker than what surrounds it, so darkness finds outlines without a network. Here cells are
    compared within strata of their mean optical density, as pixels are by ``matched_auc``. The optical
    density scores exactly 0.5.
    """

    source: ClassVar[str] = (
        "section_auc within strata of a covariate as Janes and Pepe (2008); optical density as the covariate "
        "is ours"
    )

    strata: int = Field(default=10, ge=1)
    """Largest number of strata of the optical density, of equally many cells but for ties."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the area."""
        meaning = (
            f"how often a cell inside scores above an equally dark one outside, {self.cell_um:g} um a cell, "
            f"0.5 by chance and for darkness itself; {self.sign}"
        )
        return self.auc_infos(meaning)

    @property
    def undecided(self) -> str:
        """Why a section is excluded."""
        return "section without equally dark cells of both classes"

    def area(self, slide: SlideEvidence, explainer_id: str, rows: Rows) -> float:
        """Return the area of the tiles of one section; NaN where no pair of cells is left."""
        inside, values = self.cells(
            slide, rows, self.ranked_values(slide, explainer_id), lambda here: _darkness(slide, here)
        )
        ranked, darkness, mask = (torch.from_numpy(each)[None] for each in (*values, inside))
        return matched_auc(ranked, darkness, mask, torch.ones_like(mask), self.strata).item()


def _darkness(slide: SlideEvidence, rows: Rows) -> NDArray[np.float32]:
    """Return [n, H, W], the optical density summed over the channels."""
    return optical_density(slide.images(rows, torch.device("cpu"))).sum(1).numpy()
