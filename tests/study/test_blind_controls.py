"""Which controls see no network is told by what they hold."""

import pytest

from tasks import compare, review
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.explain import ExplainSection

CONTROLS = [
    {"name": "random_map"},
    {"name": "shuffled_map", "base": "gradient"},
    {"name": "untrained_network", "id": "untrained", "base": "gradient"},
]
BLIND = {"random_map": True, "shuffled_map": False, "untrained": False}


@pytest.fixture
def section():
    return ExplainSection(explainers=["gradient"], controls=CONTROLS)


def test_the_review_page_is_told(section):
    told = {e.id: e.is_blind for e in review._explainers(section, {}) if e.is_control}
    assert told == BLIND


def test_the_comparison_is_told(section):
    model = ModelKey("standard", 0)
    keys = [ArtifactKey("evaluate", model, name, metric="gini") for name in ("gradient", *BLIND)]
    inputs = compare.CompareInputs({}, {}, dict.fromkeys(keys), {})
    told = {item.explainer: item.is_blind for _, item in compare._reports(inputs, section) if item.is_control}
    assert told == BLIND
