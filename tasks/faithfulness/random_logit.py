"""Random logit: how much of a map remains when another class is explained."""

from typing import ClassVar

import torch

from tasks.artifacts.faithfulness_report import Rivals, ScoreInfo
from tasks.evidence.block import Block
from tasks.faithfulness._removal import clean_probe
from tasks.faithfulness._similarity import BOTH_SIGNS, excluded_maps, rank_similarity
from tasks.faithfulness.base import Answers, AttributionBlock, Metric, Need, Probe, ProbeKey, UnitScores
from tasks.samples.axes import ScoreUnit, Support


class RandomLogit(Metric):
    """Spearman's rank correlation of the stored map with the map that explains another class.

    The other class is 0, that of tissue outside every outline, and class 1 where 0 is explained. A map that
    is the same for every class does not explain this one.

    A map must beat only the controls that see no network: one that holds an explainer (shuffled values, an
    untrained network) depends on the class as that explainer does, so being equalled by it means nothing.

    With two classes this says little about most explainers. The explained quantity of one class is that of
    the other with the opposite sign, so anything linear in the gradient has ``signed`` -1 and ``magnitude`` 1
    by construction. It then only separates maps that depend on the class from those that do not (``signed``
    1).

    A stored map of one magnitude everywhere ranks nothing: NaN, excluded and counted, as is a tile where the
    other class's map is not finite. A constant map of the other class has correlation 0.
    """

    source: ClassVar[str] = (
        "Sixt, Granz and Landgraf (2020), arXiv:1912.09818; a stated other class where they draw one, and "
        "rank correlation in place of structural similarity, are ours"
    )
    units: ClassVar[frozenset[ScoreUnit]] = frozenset({"tile", "slide"})
    supports: ClassVar[frozenset[Support]] = frozenset({"pixel", "tile"})
    needs: ClassVar[frozenset[Need]] = frozenset({"attribution"})
    rivals: ClassVar[Rivals] = "blind"

    @property
    def sign(self) -> str:
        """Both ways."""
        return BOTH_SIGNS

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the correlation of signed values and of magnitudes."""
        rows = (("signed", "signed values", "-1"), ("magnitude", "magnitudes", "1"))
        return tuple(
            ScoreInfo(
                name=name,
                direction="lower",
                lower_bound=-1.0,
                upper_bound=1.0,
                meaning=f"rank correlation of {what} with the map of another class; {self.sign}; with two "
                f"classes it is {given} by construction for what is linear in the gradient",
            )
            for name, what, given in rows
        )

    def probes(self, block: Block, part: AttributionBlock) -> tuple[Probe, ...]:
        """Return the clean images, to be explained for the other class."""
        clean = clean_probe(block)
        return (
            Probe(
                key=self._key(part),
                count=1,
                make=clean.make,
                explainer=part.explainer_id,
                targets=(block.targets == 0).long(),
            ),
        )

    def minimum_explained(self) -> int:
        """One map; that of the explained class is stored."""
        return 1

    def score_block(self, block: Block, part: AttributionBlock, answers: Answers) -> UnitScores:
        """Return both."""
        others = answers[self._key(part)]
        excluded = excluded_maps(part.maps, others, part.elements)
        left_out = torch.stack(list(excluded.values())).any(0)
        (signed,) = rank_similarity(part.maps, others, part.elements)
        (magnitude,) = rank_similarity(part.maps.abs(), others.abs(), part.elements)
        values = {"signed": signed, "magnitude": magnitude}
        none = torch.zeros_like(signed)
        return UnitScores(
            values={name: torch.where(left_out, torch.nan, value) for name, value in values.items()},
            chance={"signed": none, "magnitude": none},
            excluded=excluded,
        )

    def _key(self, part: AttributionBlock) -> ProbeKey:
        return ("another class", part.explainer_id)
