"""Costs come from training records: means over seeds and folds, and ratios to the reference arm."""

import math

import pytest

from tasks.artifacts.key import ModelKey
from tasks.comparison.costs import cost_table, training_costs

MEASURED = {
    ModelKey("standard", 0, 0): {"seconds": 8.0, "peak_memory_mb": 100.0, "epochs": 3.0},
    ModelKey("standard", 0, 1): {"seconds": 12.0, "peak_memory_mb": 100.0, "epochs": 3.0},
    ModelKey("modulated", 0, 0): {"seconds": 24.0, "epochs": 3.0, "resumed_epochs": 1.0},
    ModelKey("modulated", 1, 0): {"seconds": 16.0, "epochs": 3.0},
}


def row(costs, arm, measure):
    return costs.set_index(["arm", "measure"]).loc[arm, measure]


def test_cost_is_the_mean_over_seeds_and_folds_with_its_ratio_to_the_reference_arm():
    costs = training_costs(MEASURED, "standard")
    assert list(costs.columns) == ["arm", "measure", "mean", "ratio", "models"]
    assert row(costs, "standard", "seconds").tolist() == [10.0, 1.0, 2]
    assert row(costs, "modulated", "seconds").tolist() == [20.0, 2.0, 2]
    assert row(costs, "modulated", "epochs").tolist() == [3.0, 1.0, 2]


def test_a_measure_that_a_record_lacks_is_left_out_of_the_mean():
    costs = training_costs(MEASURED, "standard")
    assert row(costs, "modulated", "resumed_epochs")["mean"] == 1.0
    assert row(costs, "modulated", "resumed_epochs")["models"] == 1
    assert math.isnan(row(costs, "modulated", "resumed_epochs")["ratio"])


@pytest.mark.parametrize("reference", ["absent", "free"])
def test_without_a_reference_cost_there_is_no_ratio(reference):
    costs = training_costs({**MEASURED, ModelKey("free", 0): {"seconds": 0.0}}, reference)
    assert costs["ratio"].isna().all()
    assert "x)" not in cost_table(costs, reference)


def test_the_table_has_a_line_per_arm():
    assert cost_table(training_costs(MEASURED, "standard"), "standard").splitlines() == [
        "| arm | training seconds | peak memory, MB | epochs |",
        "| --- | --- | --- | --- |",
        "| standard | 10.0 | 100.0 | 3.0 |",
        "| modulated | 20.0 (2.00 x) | \N{EN DASH} | 3.0 (1.00 x) |",
    ]


def test_no_record_gives_no_table():
    costs = training_costs({}, "standard")
    assert len(costs) == 0
    assert cost_table(costs, "standard") == ""
