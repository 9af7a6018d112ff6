"""Controls join the default list by being a file."""

import tasks.explainers
from tasks.explaining.controls import all_controls

BLIND = [
    "random_map", "blurred_noise", "uniform_map", "edge_map",
    "optical_density", "tissue_mask", "centre_prior",
]  # fmt: skip
NEW = """
from typing import ClassVar
from tasks.explainers._controls import BlindControl

class NewControl(BlindControl):
    \"\"\"A control from elsewhere.\"\"\"
    source: ClassVar[str] = "a test"
"""


def test_blind_controls_come_first_and_the_others_hold_the_first_explainer():
    held = {"name": "smoothgrad", "draws": 3}
    assert all_controls(held) == [
        *({"name": name} for name in BLIND),
        {"name": "shuffled_map", "base": held},
        {"name": "untrained_network", "base": held},
        {"name": "predicted_probability"},
    ]


def test_a_control_in_a_new_file_joins_at_the_end(tmp_path, monkeypatch):
    (tmp_path / "a_new_control.py").write_text(NEW)
    before = all_controls("gradient")
    monkeypatch.setattr(tasks.explainers, "__path__", [*tasks.explainers.__path__, str(tmp_path)])
    assert all_controls("gradient") == [*before, {"name": "a_new_control"}]
