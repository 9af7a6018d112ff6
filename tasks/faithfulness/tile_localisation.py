"""Tile localisation: do the tiles of the explained class rank first?"""

from typing import ClassVar

import torch

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.bag_block import BagBlock
from tasks.faithfulness._tile_curves import UNRANKED
from tasks.faithfulness.base import Answers, AttributionBlock, RankingMetric, UnitScores
from tasks.functional.ranked_truth import RankedTruth
from tasks.samples.axes import ScoreUnit, Support

UNLABELLED = "no tile has a label that is known"
ABSENT = "no labelled tile is of the explained class"
ALONE = "all labelled tiles are of the explained class"


class TileLocalisation(RankingMetric):
    """How well a map of tiles finds the tiles that a pathologist labelled as the explained class.

    This is the other axis: a map may find the tumour and be unfaithful to the model, and the reverse. Tiles
    whose label is not known, such as mixed ones, are left out. A slide without both kinds of tile has no
    score here, though its map may be faithful: means of the two axes are of different sets of slides.
    """

    source: ClassVar[str] = (
        "Hanley and McNeil (1982); Davis and Goadrich (2006), doi:10.1145/1143844.1143874; Early, Evers and "
        "Ramchurn (2022), arXiv:2201.11701 (NDCG of instances)"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"tile"})

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the three measures."""
        rows = (
            ("auroc", "how often a tile of the explained class ranks above another; 0.5 by chance"),
            ("auprc", "mean precision down to each tile of the explained class; their share by chance"),
            ("ndcg", "discounted gain of the tiles of the explained class over that of the best ranking"),
        )
        return tuple(
            ScoreInfo(
                name=name,
                direction="higher",
                lower_bound=0.0,
                upper_bound=1.0,
                meaning=f"{said}; {self.sign}",
            )
            for name, said in rows
        )

    def score_block(self, block: BagBlock, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return all three of each bag, each with its chance level."""
        classes = block.tile_classes
        known = block.elements & (classes >= 0 if classes is not None else False)
        truth = known & (classes == block.targets[:, None] if classes is not None else False)
        unranked = (part.values.isnan() & known).any(1)
        ranked = RankedTruth(self.ranked(part.values).nan_to_num(0.0), truth, known)
        values = {"auroc": ranked.auroc(), "auprc": ranked.auprc(), "ndcg": ranked.ndcg()}
        half = torch.full_like(values["auroc"], 0.5)
        some, hits = known.any(1), truth.any(1)
        return UnitScores(
            values={name: torch.where(unranked, torch.nan, value) for name, value in values.items()},
            chance={"auroc": half, "auprc": ranked.prevalence(), "ndcg": ranked.chance_ndcg()},
            excluded={
                UNLABELLED: ~some,
                ABSENT: some & ~hits,
                ALONE: hits & (truth == known).all(1),
                UNRANKED: ranked.judged & unranked,
            },
        )
