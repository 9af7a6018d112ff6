"""Which controls see no network is told by what they hold."""

import pytest

from flows import stages
from flows.carry_out import Progressing
from flows.frames import review_frame
from flows.session import Orders, open_session
from tests._support.studies import tiny_config

CONTROLS = [
    {"name": "random_map"},
    {"name": "shuffled_map", "base": "gradient"},
    {"name": "untrained_network", "id": "untrained", "base": "gradient"},
]
BLIND = {"random_map": True, "shuffled_map": False, "untrained": False}


@pytest.fixture
def state(tmp_path, manifest):
    explain = {"explainers": ["gradient"], "controls": CONTROLS}
    return Progressing(open_session(tiny_config(manifest, explain=explain), tmp_path, None, Orders()))


def test_the_review_page_is_told(state):
    found = {known.id: known.is_blind for known in review_frame(state).explainers if known.is_control}
    assert found == BLIND


def test_the_comparison_is_told(state, monkeypatch):
    told = []
    monkeypatch.setattr(stages, "carry_out", lambda _state, _slots, make, **_: make([(None, None)]))
    monkeypatch.setattr(stages, "compare", lambda *given, return_state: told.append(given[-1]))
    monkeypatch.setattr(stages, "_review", lambda _state: None)
    stages.compare_arms(state)
    assert told == [BLIND]
