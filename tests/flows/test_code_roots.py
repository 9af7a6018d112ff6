"""What a stage calls to make an artifact is in the code that names it: a change makes it again."""

import ast
from pathlib import Path

import pytest

from flows.engine.stages import all_stages
from tasks.artifacts.code import code_of
from tests._support.plans import plan_of
from tests._support.studies import folded_config

ROOT = Path(__file__).parents[2]
STAGES = tuple(f"tasks.{stage.name}" for stage in all_stages())
PLANNING = (
    "tasks.study",
    "tasks.plugins",
    "tasks.artifacts",
    "tasks.explained",
    "tasks.compared",
    "tasks.recorded",
    *STAGES,
)
"""They plan, wire and open. A change in them changes recipes or formats, never a number."""
TYPES = {
    "tasks.aggregators.base", "tasks.aggregators.top_share", "tasks.exemplars.base",
    "tasks.explainers.base", "tasks.faithfulness.base", "tasks.model_metrics.base",
    "tasks.explaining.controls", "tasks.slides.manifest", "tasks.slides.row", "tasks.samples.axes",
    "tasks.tiling.recipe", "tasks.training.recipe", "tasks.comparison.recipe", "tasks.comparison.row",
    "tasks.reporting.maps.job", "tasks.functional.sample",
    "tasks.calibration.recipe", "tasks.comparison.claims.endpoints",
}  # fmt: skip
"""Recipes and base classes: their values are recipe, and the plug-in that is used is a root of its own. What
samples slides decides which artifacts there are."""
OF_SLIDES = {
    "tasks.training.bag_job", "tasks.models.bag_classifier", "tasks.models.predict_bags",
    "tasks.explaining.bags", "tasks.explaining.reference_bags", "tasks.explaining.tile_to_pixel",
    "tasks.models.kept_encoder", "tasks.explaining.sufficient",
    "tasks.evidence.bag_evidence", "tasks.evidence.stored_bags",
}  # fmt: skip
"""What makes artifacts of level slide in the place of others; their plans name it, and their tests say so."""
REFUSING = {"tasks.evaluation.fits", "tasks.training.fit"}
"""They refuse a study before it runs, and make nothing."""
EXPLAIN = {
    "explainers": ["gradient", {"name": "noisegrad", "draws": 2}],
    "controls": [],
    "exemplars": ["nearest_tiles"],
}
EVALUATE = {"metrics": ["gini", "local_lipschitz"], "model_metrics": ["gradient_scale"]}


def called(stage):
    """Return the domain modules that a stage file imports, at the top or inside a build."""
    tree = ast.parse((ROOT / "tasks" / f"{stage.name}.py").read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    domain = (
        {name for name in modules if name.startswith("tasks.") and name not in PLANNING} - TYPES - OF_SLIDES
    )
    return {name for name in domain if not name.startswith(tuple(f"{package}." for package in PLANNING))}


@pytest.fixture(scope="module")
def plan(manifest, tmp_path_factory):
    config = folded_config(manifest, explain=EXPLAIN, evaluate=EVALUATE)
    return plan_of(config, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("stage", all_stages(), ids=lambda stage: stage.name)
def test_every_domain_module_of_a_stage_is_in_the_code_of_its_artifacts(stage, plan):
    # Two trainers exist, of which one is used; both run the same training.
    alternatives = {"tasks.training.processes", *OF_SLIDES, *REFUSING}
    for planned in plan.of(stage.name):
        missing = called(stage) - set(code_of(planned.modules)) - alternatives
        assert not missing, f"{planned.key} is made by {sorted(missing)}"
