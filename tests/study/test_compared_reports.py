"""Reports taken from the store for a comparison."""

import json

import pytest

from tasks.artifacts.faithfulness_report import INFO, FaithfulnessReport
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.compare import CompareInputs, _reports
from tasks.explain import ExplainSection


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
    keys = [ArtifactKey("evaluate", ModelKey("arm", 0), name, metric="gini") for name in expected]
    inputs = CompareInputs({}, {}, dict.fromkeys(keys, FaithfulnessReport(tmp_path)), {}, None)
    controls = [{"name": "random_map"}, {"name": "shuffled_map", "base": "gradient"}]
    found = _reports(inputs, ExplainSection(explainers=["gradient"], controls=controls))
    assert {item.explainer: item.is_rival for _, item in found} == expected
    assert {item.explainer for _, item in found if item.is_control} == {"random_map", "shuffled_map"}
