"""A study of level slide plans and makes slide models from features, and refuses what is of tiles."""

import pytest
from pydantic import ValidationError

from flows.engine.execute import execute
from flows.engine.request import fulfil
from flows.engine.rerun import RerunOptions
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.store import Store
from tasks.models.mil.mean_pool import MeanPool
from tasks.phantoms.generate import generate_cohort
from tasks.study.errors import ConfigError
from tests._support.plans import input_labels, labelled, plan_of
from tests._support.studies import COHORT as TILES
from tests._support.studies import tiny_config

COHORT = TILES.model_copy(update={"val": (1, 1)})

TRAIN = {
    "arms": [{"id": "attention"}, {"id": "mean", "model": "mean_pool"}],
    "seeds": [0],
    "recipe": {"bag": {"model": {"name": "abmil", "embed": 8, "attention": 4}}, "epochs": 3, "batch": 2},
}
MAPS = {"explain": {"explainers": ["attention"]}, "evaluate": {"metrics": ["tile_deletion"]}}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return generate_cohort(tmp_path_factory.mktemp("cohort"), COHORT, lambda done: None)


def config(manifest, train=TRAIN, **changes):
    return tiny_config(manifest, level="slide", train=train, **MAPS, **changes)


def test_models_are_planned_from_features_with_their_own_code(manifest, tmp_path):
    plan = plan_of(config(manifest), tmp_path)
    planned = labelled(plan, "train")
    assert set(planned) == {"train/attention/seed0", "train/mean/seed0"}
    for each in planned.values():
        assert {label.partition("/")[0] for label in input_labels(each)} == {"embed"}
        assert not {"network", "augmentation"} & set(each.recipe["training"])
    attention, mean = planned["train/attention/seed0"], planned["train/mean/seed0"]
    assert "tasks.models.mil.abmil" in attention.modules
    assert "tasks.models.mil.mean_pool" in mean.modules
    assert mean.recipe["training"]["bag"]["model"]["name"] == "mean_pool"
    assert mean.recipe["training"]["patience"] == 8
    for each in labelled(plan, "predict").values():
        assert {label.partition("/")[0] for label in input_labels(each)} == {"embed", "train"}
        assert "aggregator" not in each.recipe


def test_a_study_of_tiles_plans_from_tiles_as_before(manifest, tmp_path):
    (first, *_) = labelled(plan_of(tiny_config(manifest), tmp_path), "train").values()
    assert {label.partition("/")[0] for label in input_labels(first)} == {"tile"}
    assert set(first.recipe["training"]) == {
        "network", "classes", "target_class", "epochs", "batch", "accumulate", "lr", "warmup", "weight_decay",
        "augmentation", "class_balance", "choose", "amp",
    }  # fmt: skip
    assert first.modules[0] == "tasks.training.train"


@pytest.mark.parametrize(
    ("level", "train", "said"),
    [
        ("slide", {**TRAIN, "recipe": {}}, "level: slide needs train.recipe.bag"),
        ("tile", TRAIN, "train.recipe.bag is of slide models; say level: slide, or leave it out"),
        ("tile", {"arms": TRAIN["arms"], "seeds": [0]}, "arm 'mean' has a slide model, 'mean_pool'"),
        (
            "slide",
            {**TRAIN, "arms": [{"id": "n", "regularizers": ["noise_modulation"]}]},
            "'noise_modulation' of arm 'n' works on pixels, but the slide model takes features",
        ),
        (
            "slide",
            {
                **TRAIN,
                "arms": [{"id": "t", "model": "transformer"}],
                "recipe": {"bag": {"tiles_per_bag": 9999}},
            },
            "'transformer' is trained with at most 4096",
        ),
    ],
)
def test_what_is_of_the_other_level_is_refused(manifest, level, train, said):
    with pytest.raises(ValidationError, match=said):
        tiny_config(manifest, level=level, train=train)


def test_every_slide_needs_a_label(manifest, tmp_path):
    bare = tmp_path / "bare.csv"
    bare.write_text(manifest.read_text().replace(",tumour,", ",,"))
    with pytest.raises(ConfigError, match=r"slides have no label \(.*\); .* must be one of normal, tumour"):
        plan_of(config(bare), tmp_path / "home", manifest.parent)


def test_every_class_is_needed_to_train_and_to_validate_on(manifest, tmp_path):
    kept = [line for line in manifest.read_text().splitlines() if ",val," not in line or ",tumour," in line]
    fewer = tmp_path / "fewer.csv"
    fewer.write_text("\n".join(kept) + "\n")
    with pytest.raises(ConfigError, match="attention/seed0: no slide of class 'normal' is of split 'val'"):
        plan_of(config(fewer), tmp_path / "home", manifest.parent)


def test_slides_are_predicted_by_models_trained_on_their_features(manifest, tmp_path):
    plan = plan_of(config(manifest), tmp_path)
    wanted = {"tile", "embed", "train", "predict"}
    plan._planned = {key: planned for key, planned in plan._planned.items() if key.stage in wanted}
    result = execute(plan, RerunOptions(), fulfil, {})
    assert not result.state.failed
    store = Store(tmp_path)
    weights = {r.spec.label: Checkpoint(store.folder(r)) for r in store.records("Checkpoint")}
    assert weights["train/mean/seed0"].info.bag.model == MeanPool().model_dump(mode="json")
    for record in store.records("Predictions"):
        predictions = Predictions(store.folder(record))
        assert len(predictions.table) == 0
        slides = predictions.slides
        assert set(slides["label"]) <= {"normal", "tumour"}
        assert (abs(slides["score_0"] + slides["score_1"] - 1) < 1e-9).all()
        assert len(predictions.slide_scores(1)) == len(slides) == 2
