"""Reports taken from the store for a comparison."""

import json
from types import SimpleNamespace

import pytest

from tasks.artifacts.faithfulness_report import INFO
from tasks.compare import compared_reports


@pytest.mark.parametrize(
    ("rivals", "expected"),
    [
        ("all", {"gradient": False, "random_map": True, "shuffled_map": True}),
        ("blind", {"gradient": False, "random_map": True, "shuffled_map": False}),
        (None, {"gradient": False, "random_map": True, "shuffled_map": True}),
    ],
)
def test_rivals_follow_the_report_and_what_the_control_sees(tmp_path, rivals, expected):
    """A report that was written before metrics had rivals takes all controls."""
    info = {"metric": {}, "scores": [], "excluded": {}, "passes": {}, "minimum_passes": {}}
    (tmp_path / INFO).write_text(json.dumps(info | ({"rivals": rivals} if rivals else {})))
    inputs = {f"evaluate/arm/seed0/{explainer}/gini": None for explainer in expected}
    store = SimpleNamespace(path=lambda _: tmp_path)
    found = compared_reports(store, inputs, {"random_map": True, "shuffled_map": False})
    assert {item.explainer: item.is_rival for _, item in found} == expected
    assert {item.explainer for _, item in found if item.is_control} == {"random_map", "shuffled_map"}
