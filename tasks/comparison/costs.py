"""The measured cost of training each arm, shown beside a comparison and never inside one.

Seconds, rates and megabytes differ from run to run. They are taken from the records of the checkpoints,
so that a comparison of unchanged models gives the same bytes.
"""

from collections.abc import Mapping

import pandas as pd

from tasks.artifacts.key import ModelKey
from tasks.statistics.printing import DASH, table

NAMES = {
    "seconds": "training seconds",
    "tiles_per_second": "tiles per second",
    "peak_memory_mb": "peak memory, MB",
    "epochs": "epochs",
}
"""The measures of a training record that the table shows, and their column titles."""
_COLUMNS = ["arm", "measure", "mean", "ratio", "models"]


def training_costs(measured: Mapping[ModelKey, Mapping[str, float]], reference_arm: str) -> pd.DataFrame:
    """Return the mean cost of each arm over its seeds and folds.

    Args:
        measured: ``{model: measures of its training record}``. A measure that a record lacks is left out of
            the mean.
        reference_arm: the arm that ratios are relative to.

    Returns:
        One row per arm and measure, arms in the order of ``measured``: ``arm``, ``measure``, the ``mean``,
        its ``ratio`` to the reference arm and the number of ``models`` behind the mean. The ratio is NaN if
        the reference arm lacks the measure or its mean is not above 0.
    """
    rows = [
        (key.arm, measure, float(value))
        for key, measures in measured.items()
        for measure, value in measures.items()
    ]
    values = pd.DataFrame(rows, columns=["arm", "measure", "value"])
    groups = values.groupby(["arm", "measure"], sort=False)["value"]
    costs = groups.agg(mean="mean", models="count").reset_index()
    base = costs[(costs["arm"] == reference_arm) & (costs["mean"] > 0)].set_index("measure")["mean"]
    costs["ratio"] = costs["mean"] / costs["measure"].map(base).astype(float)
    return costs[_COLUMNS]


def cost_table(costs: pd.DataFrame, reference_arm: str) -> str:
    """Return ``costs`` as a markdown table: arms as rows, the measures in :data:`NAMES` as columns.

    A cell holds the mean and, for other arms than the reference arm, the ratio. Empty if there is no cost.
    """
    measures = [name for name in NAMES if (costs["measure"] == name).any()]
    if not measures:
        return ""
    cells = {
        (row["arm"], row["measure"]): _cell(row["mean"], row["ratio"], row["arm"] == reference_arm)
        for row in costs.to_dict("records")
    }
    body = [
        (arm, *(cells.get((arm, name), DASH) for name in measures)) for arm in dict.fromkeys(costs["arm"])
    ]
    return "\n".join(table(("arm", *(NAMES[name] for name in measures)), body))


def _cell(mean: float, ratio: float, is_reference: bool) -> str:
    return f"{mean:.1f}" if is_reference or ratio != ratio else f"{mean:.1f} ({ratio:.2f} x)"
