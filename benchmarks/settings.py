"""Which setting each method takes into the regularizer studies, by a rule written before they ran.

    python -m benchmarks.settings [--home .veritile]

Reads the comparison of ``pipeline_configs/regularizers_settings.yaml``: one training slide left out, three
trials a method, arms named ``<method>-<trial>``. Of the trials of a method whose tile AUROC is at most 0.01
below that of the best trial of standard training, the one with the largest removal gap of the input gradient
is taken; where none comes so near, the one with the highest AUROC. The removal fills with a blur; the studies
report another fill.
"""

import argparse
import json
from pathlib import Path

import pandas as pd

from tasks.comparison.files import SUMMARY, TABLE

STUDY, STANDARD = "regularizers_settings", "standard"
TOLERATED = 0.01
"""How far the AUROC of a setting may lie below that of standard training."""


def main() -> None:
    """Print the trials and the choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".veritile"))
    trials = trials_of(pd.read_parquet(comparison_of(parser.parse_args().home) / TABLE))
    chosen = choose(trials)
    print(trials.assign(chosen=trials["arm"].isin(chosen)).to_string(index=False, float_format="%.3f"))
    print(json.dumps({"chosen": chosen}))


def comparison_of(home: Path) -> Path:
    """Return the folder of the newest comparison of the study."""
    found = [
        path.parent
        for path in home.glob(f"store/Comparison/*/*/{SUMMARY}")
        if json.loads(path.read_text(encoding="utf-8"))["study"] == STUDY
    ]
    if not found:
        raise SystemExit(f"{home} holds no comparison of {STUDY}; run pipeline_configs/{STUDY}.yaml first")
    return max(found, key=lambda folder: folder.stat().st_mtime)


def trials_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a trial: method, arm, auroc on the slide left out, gap of the removal, gini."""
    wanted = {
        "auroc": ("performance", "tile", "auroc"),
        "gap": ("faithfulness", "deletion", "gap"),
        "gini": ("faithfulness", "gini", "gini"),
    }
    columns = {}
    for name, (kind, metric, score) in wanted.items():
        rows = table[(table["kind"] == kind) & (table["metric"] == metric) & (table["score"] == score)]
        columns[name] = rows[~rows["is_control"]].set_index("arm")["value"]
    trials = pd.DataFrame(columns).rename_axis("arm").reset_index()
    trials.insert(0, "method", trials["arm"].str.rpartition("-")[0])
    return trials.sort_values(["method", "arm"], ignore_index=True)


def choose(trials: pd.DataFrame) -> list[str]:
    """Return the arm that the rule takes for each method."""
    least = trials.loc[trials["method"] == STANDARD, "auroc"].max() - TOLERATED
    chosen = []
    for _, part in trials.groupby("method", sort=True):
        near = part[part["auroc"] >= least]
        ranked = near.sort_values("gap") if len(near) else part.sort_values("auroc")
        chosen.append(str(ranked["arm"].iloc[-1]))
    return chosen


if __name__ == "__main__":
    main()
