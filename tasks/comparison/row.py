"""The long table of a comparison: one row a figure, with all that is needed to read it."""

from dataclasses import asdict, dataclass, fields
from typing import Literal

import pandas as pd

PERFORMANCE = "performance"
"""The place of the explainer in the name of an endpoint on prediction."""

Kind = Literal[
    "performance",
    "faithfulness",
    "model",
    "difference",
    "against_control",
    "between_explainers",
    "claim",
]


@dataclass(frozen=True)
class Row:
    """One figure of ``comparison.parquet``; what does not apply is empty or NaN.

    Attributes:
        kind: ``performance``, ``faithfulness`` and ``model`` (the network, no map) hold means over seeds;
            ``difference`` is ``arm`` less ``against`` (the reference arm); ``against_control`` is
            ``explainer`` less ``against`` (a rival) in the same arm; ``between_explainers`` is
            ``explainer`` less ``against_explainer`` in the same arm; ``claim`` is ``arm`` less ``against``
            (any arm), or the same of explainers; ``cost`` is a mean over seeds without interval.
        family: tests that are corrected together: primary, faithfulness, performance, model or explainers;
            the secondary claims; each primary claim by itself. Empty: not corrected.
        arm: the arm.
        against: what was taken off.
        against_explainer: the explainer that was taken off, where it is another one.
        explainer: explainer id; ``model`` for the network itself; empty for performance and cost.
        metric: metric id, or ``tile`` or ``slide`` for performance.
        score: the named score.
        is_control: the explainer sees no trained model.
        is_rival: it is a control that explainers are to beat by this metric; most metrics have all.
        direction: higher or lower is better; none: neither.
        value: the mean, or the mean difference.
        low: lower bound of the interval.
        high: upper bound of the interval.
        p: two-sided, uncorrected.
        p_holm: corrected within the family.
        smallest_p: the smallest p that these seeds, clusters and draws can give.
        detectable: the smallest true difference found with a power of 0.8.
        cluster: what the interval is clustered by; empty: no interval.
        clusters: how many of them hold a unit.
        patients: how many patients the units come from.
        seeds: how many seeds the mean is over.
        units: how many tiles, sections or slides were scored with every seed together.
        note: the sentence printed with the interval.
        flag: why the figure is no evidence here; empty: no reason found.
        mean: of a difference, the mean of ``arm`` (or ``explainer``) over the same pairs.
        mean_against: that of what was taken off.
        claim: id of the claim.
        expected: what it says: higher, lower, not_lower or not_higher.
        margin: its margin.
        verdict: what became of it.
        reason: why, in half a sentence.
        monte_carlo: of a mean, the standard error that the metric's own random draws leave in it; NaN where
            it draws none.
    """

    kind: Kind
    arm: str
    metric: str
    score: str
    value: float
    direction: str = "none"
    family: str = ""
    against: str = ""
    against_explainer: str = ""
    explainer: str = ""
    is_control: bool = False
    is_rival: bool = False
    low: float = float("nan")
    high: float = float("nan")
    p: float = float("nan")
    p_holm: float = float("nan")
    smallest_p: float = float("nan")
    detectable: float = float("nan")
    cluster: str = ""
    clusters: int = 0
    patients: int = 0
    seeds: int = 0
    units: int = 0
    note: str = ""
    flag: str = ""
    mean: float = float("nan")
    mean_against: float = float("nan")
    claim: str = ""
    expected: str = ""
    margin: float = float("nan")
    verdict: str = ""
    reason: str = ""
    monte_carlo: float = float("nan")

    @property
    def name(self) -> str:
        """``<explainer>/<metric>.<score>``, or with ``performance`` or ``model`` for the explainer."""
        return f"{self.explainer or PERFORMANCE}/{self.metric}.{self.score}"


def table_of(rows: list[Row]) -> pd.DataFrame:
    """Return the rows as a frame with the fields of :class:`Row` as columns."""
    return pd.DataFrame([asdict(row) for row in rows], columns=[field.name for field in fields(Row)])
