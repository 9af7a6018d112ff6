"""The study on the page about level slide is whole: its slides can be drawn and it is planned."""

import yaml

from flows.config import load_study
from tasks.phantoms.bags.generate import generate_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe
from tests._support.plans import plan_of
from tests._support.snippets import blocks


def test_the_study_of_the_page_is_planned_for_the_slides_of_the_page(tmp_path):
    slides, study = blocks("docs/slide_level.md", "yaml")
    recipe = BagPhantomRecipe.model_validate({**yaml.safe_load(slides), "rule": "present"})
    generate_bags(tmp_path / "phantoms", recipe, lambda done: None)
    (tmp_path / "study.yaml").write_text(study)
    plan = plan_of(load_study(tmp_path / "study.yaml"), tmp_path / "home")
    assert len(plan.study.slides) == 16
    assert {key.stage for key in plan._planned} >= {"tile", "embed", "train", "explain", "evaluate", "review"}
    assert {arm.id for arm in load_study(tmp_path / "study.yaml").train.arms} == {"mean", "attention"}
