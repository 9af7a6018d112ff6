"""Deletion: what happens to the output when pixels go in the order of their attribution, or against it."""

from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.faithfulness._evidence import Block
from tasks.faithfulness._removal import CLEAN, clean_probe, removal_images
from tasks.faithfulness.base import Answers, MapBlock, Need, Probe, ProbeKey, RankingMetric, Scores
from tasks.functional.curves import area_under, step_counts
from tasks.functional.fills import Fill, filled
from tasks.functional.gradients import target_margin
from tasks.functional.ranking import descending_ranks, tie_keys

Output = Literal["probability", "margin", "logit"]
_ORDERS = ("morf", "lerf")


class Deletion(RankingMetric):
    """Areas under the curves with the most (MoRF) and the least relevant pixels first, and their gap.

    Whole pixels go, all channels at once, until the image is all fill. Both orders come from one ranking
    with seeded ties; both curves share the clean and the fully removed image. The axis is the fraction of
    pixels removed, 0 to 1, so an area is the mean height of its curve, in [0, 1] for the probability.
    All three outputs are traced; ``output`` chooses the one that is scored.
    """

    source: ClassVar[str] = (
        "Samek et al. (2017), arXiv:1509.06321 (MoRF); Tomsett et al. (2020), arXiv:1912.01451 (LeRF and "
        "gap); per pixel rather than per patch, and the fills, are choices of ours"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"forward"})

    fill: Fill = "white"
    steps: int = Field(default=16, ge=2)
    output: Output = "probability"
    follows: Literal["target", "predicted"] = "target"
    """Whose output is traced: that of the explained class, or of the class predicted for the whole tile.

    With ``labels: all`` the second asks of every tile whether the pixels of large magnitude hold up the
    prediction, whatever it is; magnitudes alone can be asked so.
    """
    blur_px: float = Field(default=8.0, gt=0)
    """Standard deviation of the ``blur`` fill in tile pixels; without effect on the other fills."""
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _a_sign_has_one_class(self) -> Self:
        if self.follows == "predicted" and self.ranked_by == "signed":
            raise ValueError(
                "deletion follows the predicted class by magnitudes alone; set ranked_by: magnitude"
            )
        return self

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return gap, MoRF and LeRF of the chosen output."""
        lowest, highest = (0.0, 1.0) if self.output == "probability" else (None, None)
        whose = "target" if self.follows == "target" else "class predicted for the whole tile"
        area = f"mean {self.output} of the {whose} while the %s relevant pixels go first; {self.sign}"
        return (
            ScoreInfo(
                name="gap",
                direction="higher",
                lower_bound=None if lowest is None else -1.0,
                upper_bound=highest,
                meaning="LeRF area less MoRF area; 0 for a map that says nothing",
            ),
            ScoreInfo(
                name="morf",
                direction="lower",
                lower_bound=lowest,
                upper_bound=highest,
                meaning=area % "most",
            ),
            ScoreInfo(
                name="lerf",
                direction="higher",
                lower_bound=lowest,
                upper_bound=highest,
                meaning=area % "least",
            ),
        )

    def probes(self, block: Block, part: MapBlock) -> tuple[Probe, ...]:
        """Return the clean image, the fully removed one and both orders of the steps between."""
        fill = filled(self.fill, block.images, block.tissue_colour, self.blur_px)
        last = part.maps[0].numel()
        values = self.ranked(part.maps).flatten(1)
        ranks = descending_ranks(values, tie_keys(self.seed, block.keys, self.name, last))
        going = {"morf": ranks, "lerf": last - 1 - ranks}
        return (
            clean_probe(block),
            Probe(key=self._gone(), count=1, make=lambda _steps: fill[None]),
            *(self._between(block, part, order, fill, going[order]) for order in _ORDERS),
        )

    def _between(self, block: Block, part: MapBlock, order: str, fill: Tensor, ranks: Tensor) -> Probe:
        counts = self._counts(block)[1:-1]
        return Probe(
            key=self._key(part, order),
            count=len(counts),
            make=lambda steps: removal_images(block, fill, ranks, counts[steps]),
        )

    def minimum_forward(self) -> int:
        """Two ends that both curves share, and the steps between for each."""
        return 2 + 2 * (self.steps - 1)

    def score_block(self, block: Block, part: MapBlock, answers: Answers) -> Scores:
        """Return the areas and the curves of all outputs."""
        counts = self._counts(block)
        fractions = (counts.double() / counts[-1]).to(block.images.device)
        followed = block.targets if self.follows == "target" else answers[CLEAN][0].argmax(1)
        curves: dict[str, Tensor] = {}
        for order in _ORDERS:
            ends = answers[CLEAN], answers[self._gone()]
            logits = torch.cat([ends[0], answers[self._key(part, order)], ends[1]])
            for name, heights in _outputs(logits, followed).items():
                curves[f"{order}_{name}"] = heights
        morf, lerf = (area_under(curves[f"{order}_{self.output}"], fractions) for order in _ORDERS)
        return Scores(
            values={"gap": lerf - morf, "morf": morf, "lerf": lerf},
            chance={"gap": torch.zeros_like(morf)},
            curves=curves,
            fractions=fractions,
        )

    def _counts(self, block: Block) -> Tensor:
        return step_counts(block.images[0, 0].numel(), self.steps)

    def _gone(self) -> ProbeKey:
        return ("gone", self.fill, self.blur_px if self.fill == "blur" else None)

    def _key(self, part: MapBlock, order: str) -> ProbeKey:
        ranking = (part.explainer_id, order, self.ranked_by, self.seed)
        return ("deletion", *ranking, self.steps, *self._gone())


def _outputs(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Return float64 [n, S] of each output from logits [S, n, K]: one forward serves all three."""
    steps, count = logits.shape[:2]
    flat = logits.double().flatten(0, 1)
    target = targets.repeat(steps)
    values = {
        "probability": flat.softmax(1).gather(1, target[:, None]).squeeze(1),
        "margin": target_margin(flat, target),
        "logit": flat.gather(1, target[:, None]).squeeze(1),
    }
    return {name: value.view(steps, count).T.contiguous() for name, value in values.items()}
