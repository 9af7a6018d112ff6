"""Whether intervals cover the truth, and how often verdicts are wrong or a true difference is found.

    python -m benchmarks.inference [--simulations 2000]

Studies with known truth are simulated and handed to the functions that judge real ones. Seeds and patients
are drawn anew for each study, so an interval is right where it holds for other trainings and for other
patients. Every design of 2, 3, 5 and 10 seeds with 5, 10 and 40 patients is tried with three sets of variance
components as measured. Patients differ in their numbers of tiles as real patients do.

- *means*: the mean score of an arm. *differences*: the paired difference of two arms.
- *nine claims*: secondary claims on independent endpoints, none with a true difference. A quarter as many
  simulations.
- *AUROC*: pooled over patients, of one arm and as the difference of two. Half as many.

``false`` counts *reproduced* and *reversed* of a primary claim where the arms do not differ, ``equivalent``
that verdict where they differ by exactly the margin. ``detectable`` is the median of the printed values.
``power`` is how often a second study, whose true difference is the value that the first one printed,
reproduces the claim.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.inference_claims import (
    ALONE,
    FAMILY,
    LEVEL,
    LOWER,
    MARGIN,
    STANDARD,
    TOLERANT,
    TREATED,
    judged_row,
    judged_rows,
    printed_detectable,
)
from benchmarks.inference_setting import AUROC, SETTINGS, Floats, Latent, Setting, drawn_codes, drawn_scores
from tasks.comparison.claims.verdict import EQUIVALENT, REPRODUCED, REVERSED
from tasks.comparison.rows.cluster_sums import ClusterSums, auroc_sums, point
from tasks.comparison.rows.performance import EvaluatedLevel
from tasks.statistics.cells import mean_estimate
from tasks.statistics.clusters import Clusters
from tasks.statistics.paired import paired_difference
from tasks.statistics.two_way import Estimate

FALSE = (REPRODUCED, REVERSED)
DETECTABLE = "detectable"
Generator = np.random.Generator
Figures = dict[str, float]
"""What one simulated study shows, or the fractions and medians over all of a setting."""


@dataclass(frozen=True)
class Kind:
    """A kind of figure: what one simulated study of it shows, and how many are simulated."""

    name: str
    simulate: Callable[[Setting, Generator], Figures]
    part: float
    """Of the number of simulations that was asked for."""


def mean(setting: Setting, generator: Generator) -> Figures:
    """Return whether the interval of an arm's mean covers it."""
    codes = drawn_codes(setting.patients, generator)
    found = mean_estimate(drawn_scores(setting, codes, generator)[0], codes, LEVEL)
    return {"coverage": covers(found, 0.0), "half width": half_width(found)}


def difference(setting: Setting, generator: Generator) -> Figures:
    """Return what is said of two arms that do not differ, differ by the margin, or by what was printed."""
    found, at_margin = differences(setting, generator, 0.0, MARGIN)
    alone = judged_row(ALONE, found, setting)
    printed = printed_detectable(alone)
    (again,) = differences(setting, generator, printed)
    return {
        "coverage": covers(found, 0.0),
        "half width": half_width(found),
        "false": alone.verdict in FALSE,
        "equivalent": judged_row(TOLERANT, at_margin, setting).verdict == EQUIVALENT,
        DETECTABLE: printed,
        "power": judged_row(ALONE, again, setting).verdict == REPRODUCED,
    }


def nine_claims(setting: Setting, generator: Generator) -> Figures:
    """Return whether any of nine secondary claims without a true difference is called reversed, or found."""
    found = [differences(setting, generator, 0.0)[0] for _ in FAMILY.recipe.claims]
    said = {row.verdict for row in judged_rows(FAMILY, found, setting)}
    return {"any reversed": REVERSED in said, "any false": not said.isdisjoint(FALSE)}


def auroc(setting: Setting, generator: Generator) -> Figures:
    """Return the same of areas under the ROC curve. Arms that differ: the treated one is worse."""
    latent = Latent(setting)
    drawn = latent.drawn(generator)
    equal, worse = latent.separation(AUROC), latent.separation(AUROC - MARGIN)
    level = evaluated(
        {
            STANDARD: drawn.arms[0] + equal * drawn.positive,
            TREATED: drawn.arms[1] + equal * drawn.positive,
            "worse": drawn.arms[1] + worse * drawn.positive,
        },
        drawn.positive,
        drawn.codes,
    )
    one, found = of_arm(level, STANDARD), of_arms(level, TREATED, STANDARD)
    at_margin = of_arms(level, "worse", STANDARD)
    return {
        "coverage": covers(one, AUROC),
        "half width": half_width(one),
        "coverage, difference": covers(found, 0.0),
        "half width, difference": half_width(found),
        "false": judged_row(ALONE, found, setting).verdict in FALSE,
        "equivalent": judged_row(LOWER, at_margin, setting).verdict == EQUIVALENT,
        "no interval": found.components is None,
    }


def differences(setting: Setting, generator: Generator, *true: float) -> list[Estimate]:
    """Return the paired difference of two arms of one study, were the true difference each of ``true``."""
    codes = drawn_codes(setting.patients, generator)
    control, treated = drawn_scores(setting, codes, generator)
    return [paired_difference(treated + shift, control, codes, LEVEL).estimate for shift in true]


def evaluated(
    arms: dict[str, Floats], positive: NDArray[np.bool_], codes: NDArray[np.int64]
) -> EvaluatedLevel:
    """Return the sums of ``arms`` {name: scores [S, N]}, as a comparison collects them."""
    count = int(codes.max()) + 1
    sums: dict[tuple[str, int], dict[str, ClusterSums]] = {
        (arm, seed): {"auroc": auroc_sums(row, positive, codes.astype(np.intp), count)}
        for arm, scores in arms.items()
        for seed, row in enumerate(scores)
    }
    return EvaluatedLevel("tile", sums, Clusters("patient", codes, count, count, ""), len(codes), LEVEL)


def of_arm(level: EvaluatedLevel, arm: str) -> Estimate:
    seeds = level.seeds(arm)
    return level.single(arm, seeds, "auroc")


def of_arms(level: EvaluatedLevel, arm: str, against: str) -> Estimate:
    seeds = level.seeds(arm)
    values = [point(level.of(side, seeds, "auroc")) for side in (arm, against)]
    cells = [level.cells(side, seeds, "auroc") for side in (arm, against)]
    return level.estimate(values[0] - values[1], cells[0] - cells[1])


def covers(found: Estimate, truth: float) -> float:
    """Return 1 if the interval holds the truth, 0 if not, NaN without an interval."""
    return float("nan") if np.isnan(found.low) else float(found.low <= truth <= found.high)


def half_width(found: Estimate) -> float:
    return (found.high - found.low) / 2


KINDS = (
    Kind("means", mean, 1.0),
    Kind("differences", difference, 1.0),
    Kind("nine claims", nine_claims, 0.25),
    Kind("AUROC", auroc, 0.5),
)
MEDIANS = ("half width", "half width, difference", DETECTABLE)


def table_of(kind: Kind, simulations: int, settings: Sequence[Setting] = SETTINGS) -> pd.DataFrame:
    """Return one row per setting: medians of widths and of what is detectable, fractions of all else."""
    lines = []
    number = max(1, round(simulations * kind.part))
    for place, setting in enumerate(settings):
        generator = np.random.default_rng([[each.name for each in KINDS].index(kind.name), place])
        studies = pd.DataFrame([kind.simulate(setting, generator) for _ in range(number)]).astype(float)
        figures = {
            name: studies[name].median() if name in MEDIANS else studies[name].mean() for name in studies
        }
        spreads, seeds, patients = astuple(setting)
        lines.append({"components": spreads[0], "seeds": seeds, "patients": patients, **figures})
        print(f"{kind.name}: {place + 1} of {len(settings)} settings", file=sys.stderr, flush=True)
    return pd.DataFrame(lines)


def summary_of(tables: dict[str, pd.DataFrame]) -> Figures:
    """Return the extremes over all kinds and settings."""

    def all_of(*names: str) -> pd.Series:
        found: pd.Series = pd.concat(
            [table[name] for table in tables.values() for name in names if name in table]
        )
        return found

    covered, power = all_of("coverage", "coverage, difference"), all_of("power")
    found = {
        "coverage_min": covered.min(),
        "coverage_max": covered.max(),
        "type1_max": all_of("false", "equivalent").max(),
        "power_at_detectable_min": power.min(),
        "power_at_detectable_max": power.max(),
        "false_reversed_max": all_of("any reversed").max(),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def main(words: Sequence[str] | None = None) -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=2000)
    options = parser.parse_args(words)
    tables = {kind.name: table_of(kind, options.simulations) for kind in KINDS}
    for name, table in tables.items():
        print(f"{name}\n{table.to_string(index=False, float_format='%.3f')}\n")
    print(json.dumps(summary_of(tables)))


if __name__ == "__main__":
    main()
