"""The base of metrics that compare a map with a mask."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evidence.slide import Against, MaskName
from tasks.faithfulness.base import Metric, Need, UnitScores
from tasks.functional.localisation import above_chance


class MaskMetric(Metric):
    """Compares maps with a mask, on all readable tiles whatever their label."""

    needs: ClassVar[frozenset[Need]] = frozenset({"mask"})

    labels: Literal["target", "all"] = "all"
    mask: MaskName = "annotation"
    against: Against = "rest"
    """What the mask is compared with: the rest of the tissue, or decoys, which only look like the evidence.
    A map of all nuclei beats the rest of the tissue, and no decoy."""

    @property
    def masks(self) -> tuple[str, ...]:
        """The masks that it needs."""
        return (self.mask,) if self.against == "rest" else (self.mask, self.against)

    @property
    def compared_with(self) -> str:
        """What the mask is compared with, in words."""
        return "the tissue" if self.against == "rest" else f"mask and {self.against}"

    def fraction_infos(self, corrected: str, raw: str) -> tuple[ScoreInfo, ...]:
        """Return a share corrected for chance and the raw one, each with its meaning."""
        direction = mask_direction(self.mask)
        return (
            ScoreInfo(name="corrected", direction=direction, upper_bound=1.0, meaning=corrected),
            ScoreInfo(name="raw", direction=direction, lower_bound=0.0, upper_bound=1.0, meaning=raw),
        )

    def auc_infos(self, meaning: str, name: str = "auc") -> tuple[ScoreInfo, ...]:
        """Return an area under an ROC curve."""
        direction = mask_direction(self.mask)
        return (ScoreInfo(name=name, direction=direction, lower_bound=0.0, upper_bound=1.0, meaning=meaning),)


def fraction_scores(raw: Tensor, chance: Tensor, excluded: dict[str, Tensor]) -> UnitScores:
    """Return a share [n] raw and corrected for its chance level [n], NaN for tiles with a reason."""
    left_out = torch.stack(list(excluded.values())).any(0)
    raw, chance = (torch.where(left_out, torch.nan, value) for value in (raw, chance))
    return UnitScores(
        values={"corrected": above_chance(raw, chance), "raw": raw},
        chance={"corrected": torch.zeros_like(raw), "raw": chance},
        excluded=excluded,
    )


def mask_direction(mask: MaskName) -> Literal["higher", "none"]:
    """Return ``higher``, but ``none`` for an artefact or a decoy.

    A faithful map of a model that uses the pen lies on the pen. The score then describes the model, so
    neither direction is better for the map.
    """
    return "none" if mask in ("artefact", "decoy") else "higher"
