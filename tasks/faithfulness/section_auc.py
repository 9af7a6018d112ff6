"""Section AUC: on a stitched section, do the cells inside the outline score above those outside?"""

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.slide import SlideEvidence
from tasks.evidence.sources import Rows
from tasks.faithfulness._cells import CellMask, Floats, Values, section_cells
from tasks.faithfulness._judging import MaskMetric
from tasks.faithfulness.base import Need, RankingMetric, UnitScores
from tasks.functional.localisation import roc_auc
from tasks.samples.axes import ScoreUnit


class SectionAuc(MaskMetric, RankingMetric):
    """ROC-AUC inside tissue over the cells of each section (a connected tissue piece).

    Tiles are placed by their level-0 origin and extent; a cell holds the mean of the ranked values over its
    tissue pixels, of all tiles that overlap there. A section with one class of cells is excluded and counted.
    """

    source: ClassVar[str] = (
        "ROC-AUC of an attribution against an outline; cells and sections are ours (design 6)"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"section"})
    needs: ClassVar[frozenset[Need]] = frozenset({"mask", "dataset"})

    cell_um: float = Field(default=16.0, gt=0)
    """Side of a cell in micrometres."""
    min_tissue: float = Field(default=0.5, gt=0, le=1)
    """A cell is scored where this share of the pixels placed in it is tissue."""
    min_mask: float = Field(default=0.5, gt=0, le=1)
    """A cell is positive where this share of its tissue pixels lies in the mask."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the area."""
        meaning = f"how often a cell inside scores above one outside, {self.cell_um:g} um a cell; {self.sign}"
        return self.auc_infos(meaning)

    def score_slide(self, slide: SlideEvidence, explainer_id: str) -> UnitScores:
        """Return the area of each section, in ascending order of the sections."""
        labels = slide.tiles.table["section"].iloc[slide.explained].to_numpy()
        sections = tuple(int(section) for section in np.unique(labels))
        areas = [self.area(slide, explainer_id, slide.explained[labels == section]) for section in sections]
        auc = torch.tensor(areas, dtype=torch.float64)
        return UnitScores(
            values={"auc": auc},
            chance={"auc": torch.full_like(auc, 0.5)},
            excluded={self.undecided: auc.isnan()},
            sections=sections,
        )

    @property
    def undecided(self) -> str:
        """Why a section is excluded."""
        return "section without cells of both classes"

    def area(self, slide: SlideEvidence, explainer_id: str, rows: Rows) -> float:
        """Return the area of the tiles of one section; NaN where its cells are of one class."""
        inside, (values,) = self.cells(slide, rows, self.ranked_values(slide, explainer_id))
        return roc_auc(values, inside)

    def cells(
        self, slide: SlideEvidence, rows: Rows, *values: Values
    ) -> tuple[NDArray[np.bool_], tuple[Floats, ...]]:
        """Return which cells lie in the mask, and the mean of each of the values there."""
        cells = section_cells(values, slide, rows, CellMask(self.mask, self.against, self.cell_um))
        kept = cells.tissue_fraction >= self.min_tissue
        return cells.mask_fraction[kept] >= self.min_mask, tuple(each[kept] for each in cells.values)

    def ranked_values(self, slide: SlideEvidence, explainer_id: str) -> Values:
        """Return what gives the ranked values of some tiles."""
        return lambda rows: self.ranked(torch.from_numpy(slide.maps(explainer_id, rows))).numpy()
