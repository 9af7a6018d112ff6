"""What the kind of a map does in a study."""

import pytest
from pydantic import ValidationError

from tests._support.plans import labelled, plan_of
from tests._support.studies import tiny_cohort, tiny_config

EXPLAIN = {
    "explainers": [{"name": "gradient"}, {"name": "input_x_gradient"}],
    "controls": [{"name": "random_map"}, {"name": "shuffled_map", "base": {"name": "input_x_gradient"}}],
}


def test_the_recipe_of_a_report_holds_what_the_kind_decides(tmp_path):
    """A sensitivity keeps the recipe that it had when magnitudes were ranked by default."""
    config = tiny_config(tiny_cohort(tmp_path / "cohort"), explain=EXPLAIN)
    reports = labelled(plan_of(config, tmp_path / "home"), "evaluate")
    ranked = {
        planned.key.explainer: planned.recipe["metric"]["ranked_by"]
        for planned in reports.values()
        if planned.key.metric == "deletion"
    }
    assert ranked == {
        "gradient": "magnitude",
        "input_x_gradient": "signed",
        "random_map": "magnitude",
        "shuffled_map": "signed",
    }


def test_a_contribution_cannot_follow_one_of_three_classes(tmp_path):
    classes = ["normal", "tumour", "stroma"]
    manifest = tiny_cohort(tmp_path / "cohort")
    blocks = tiny_config(manifest).model_dump(mode="json")
    changes = {
        "tile": {**blocks["tile"], "classes": classes},
        "train": {**blocks["train"], "recipe": {**blocks["train"]["recipe"], "classes": classes}},
        "evaluate": {"metrics": [{"name": "deletion", "follows": "predicted", "labels": "all"}]},
    }
    tiny_config(
        manifest, **changes, explain={**EXPLAIN, "explainers": ["gradient"], "controls": ["random_map"]}
    )
    with pytest.raises(ValidationError, match="follows the predicted class of 3 classes"):
        tiny_config(manifest, **changes, explain=EXPLAIN)
