"""The long table of a comparison: one row per figure, with everything needed to interpret it."""

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
    "best_blind",
    "between_explainers",
    "claim",
]


@dataclass(frozen=True)
class Row:
    """One figure of ``comparison.parquet``. Fields that do not apply are empty or NaN.

    Attributes:
        kind: what the figure is.

            - ``performance``, ``faithfulness``, ``model`` (the network itself): a mean over seeds.
            - ``difference``: ``arm`` minus ``against``, the reference arm.
            - ``against_control``: ``explainer`` minus ``against``, a rival control in the same arm.
            - ``best_blind``: the same for the best control that sees no network, with a verdict.
            - ``between_explainers``: ``explainer`` minus ``against_explainer`` in the same arm.
            - ``claim``: ``arm`` minus ``against`` (any two arms), or the same for explainers.
        family: tests that are corrected together: primary, faithfulness, performance, model, explainers, all
            secondary claims, one primary claim, one explainer against all controls, or all explainers against
            their best blind maps on one axis. Empty: not corrected.
        arm: the arm.
        against: the arm or control that is subtracted.
        against_explainer: the explainer that is subtracted, if it is another one.
        explainer: explainer id, ``model`` for the network itself, empty for performance.
        metric: metric id, or ``tile`` or ``slide`` for performance.
        score: name of the score.
        is_control: the explainer sees no trained model.
        is_rival: explainers must beat this control by this metric. Most metrics take all controls.
        direction: whether higher or lower is better. none: neither.
        value: the mean, or the mean difference.
        low: lower bound of the interval.
        high: upper bound of the interval.
        p: two-sided, uncorrected, that the true value is 0; for a claim that nothing is lost, that it is at
            the tolerated difference.
        p_holm: corrected within the family.
        p_within: of the test that the true difference lies within the margin of a claim, uncorrected.
        p_within_holm: corrected within the family.
        detectable: the smallest true difference that a study like this one finds with a power of 0.8.
        error: standard error.
        df: degrees of freedom of the interval.
        sd_seed: standard deviation between training seeds.
        sd_cluster: standard deviation between clusters.
        sd_rest: standard deviation of a seed and a cluster together, beyond both.
        narrows: what would narrow the interval most.
        cluster: what the interval is clustered by. Empty: no interval.
        clusters: number of clusters with a unit.
        patients: number of patients that the units come from.
        seeds: number of seeds that the mean is over.
        units: number of tiles, sections or slides with a score, for maps and networks summed over seeds.
        note: the sentence printed with the interval.
        flag: why the figure is no evidence here. Empty: no reason.
        mean: for a difference, the mean of ``arm`` (or ``explainer``) over the same pairs.
        mean_against: the mean of what is subtracted.
        claim: id of the claim.
        expected: what the claim says: higher, lower, not_lower or not_higher.
        margin: the margin of the claim.
        verdict: the verdict on the claim, or whether the explainer beats the best blind map.
        reason: the reason for the verdict, in half a sentence.
        monte_carlo: for a mean, the standard error of the metric's own random draws. NaN if it draws none.
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
    p_within: float = float("nan")
    p_within_holm: float = float("nan")
    detectable: float = float("nan")
    error: float = float("nan")
    df: float = float("nan")
    sd_seed: float = float("nan")
    sd_cluster: float = float("nan")
    sd_rest: float = float("nan")
    narrows: str = ""
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
        """``<explainer>/<metric>.<score>``, with ``performance`` or ``model`` in place of an explainer."""
        return f"{self.explainer or PERFORMANCE}/{self.metric}.{self.score}"


def rows_of(table: pd.DataFrame) -> tuple[Row, ...]:
    """Return the rows of a table that :func:`table_of` made."""
    return tuple(Row(**{str(name): cell for name, cell in line.items()}) for line in table.to_dict("records"))


def table_of(rows: list[Row]) -> pd.DataFrame:
    """Return the rows as a table with the fields of :class:`Row` as columns."""
    return pd.DataFrame([asdict(row) for row in rows], columns=[field.name for field in fields(Row)])
