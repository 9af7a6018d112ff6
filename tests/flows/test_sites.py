"""Arms that learn from slides of some sites, and are judged on the same test slides as the others."""

import csv

import pytest

from tasks.study.errors import ConfigError
from tests._support.plans import plan_of, slides_of
from tests._support.studies import folded_config, tiny_config

SITES = {
    "phantom_01_1": "inked",
    "phantom_01_2": "unmarked",
    "phantom_02_1": "clean",
    "phantom_03_1": "inked",
    "phantom_04_1": "elsewhere",
    "phantom_05_1": "",
}
ARMS = [{"id": "all"}, {"id": "inked", "sites": ["inked", "unmarked"]}, {"id": "clean", "sites": ["clean"]}]


@pytest.fixture
def opened(tmp_path, manifest):
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = [{**row, "site": SITES[row["slide_id"]]} for row in csv.DictReader(stream)]
    path = tmp_path / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    def plan(config=tiny_config, arms=ARMS, **changes):
        train = {
            "arms": arms,
            "seeds": [0],
            "recipe": {"network": {"width": 0.125}, "epochs": 2, "batch": 16},
        }
        study = config(path, train=train, **changes)
        return plan_of(study, tmp_path / "home", manifest.parent)

    return plan


def test_an_arm_is_made_from_the_train_and_val_slides_of_its_sites(opened):
    plan = opened()
    made = {planned.key.model.arm: planned for planned in plan.of("train")}
    assert {arm: slides_of(planned) for arm, planned in made.items()} == {
        "all": {"phantom_01_1", "phantom_01_2", "phantom_02_1", "phantom_03_1"},
        "inked": {"phantom_01_1", "phantom_01_2", "phantom_03_1"},
        "clean": {"phantom_02_1"},
    }
    assert {arm: planned.recipe.get("sites") for arm, planned in made.items()} == {
        "all": None,
        "inked": ["inked", "unmarked"],
        "clean": ["clean"],
    }


def test_every_arm_is_judged_on_all_test_slides(opened):
    plan = opened()
    for planned in plan.of("predict"):
        assert slides_of(planned) == {"phantom_04_1", "phantom_05_1"}


def test_a_calibration_sees_the_val_slides_that_its_arm_learns_from(opened):
    explain = {"explainers": [{"name": "noisegrad", "base": {"name": "gradient"}}]}
    plan = opened(explain=explain)
    assert {p.key.model.arm: slides_of(p) for p in plan.of("calibrate")} == {
        "all": {"phantom_03_1"},
        "inked": {"phantom_03_1"},
        "clean": set(),
    }


def test_in_a_fold_the_sites_count_among_its_slides(opened):
    plan = opened(folded_config)
    trainings = plan.of("train")
    whole = {planned.key.model.fold: slides_of(planned) for planned in trainings[:3]}
    for planned in trainings[3:6]:
        expected = {slide for slide in whole[planned.key.model.fold] if SITES[slide] in ("inked", "unmarked")}
        assert slides_of(planned) == expected
        assert set(planned.recipe["roles"]) == expected


@pytest.mark.parametrize("site", ["inkd", "elsewhere"])
def test_a_site_that_nothing_can_be_learnt_from_is_refused(opened, site):
    with pytest.raises(ConfigError, match=f"'b' learns from site '{site}', .* clean, inked, unmarked"):
        opened(arms=[{"id": "b", "sites": ["inked", site]}])
