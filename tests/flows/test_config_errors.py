import pytest
import yaml

from flows import config_errors
from flows.config import StudyConfig, load_study
from tasks.aggregators.top_share import TopShare
from tasks.plugins import available, plugin_class
from tasks.study.errors import ConfigError

GOOD = {
    "study": "s",
    "manifest": "cohort/manifest.csv",
    "tile": {"mpp": 0.5},
    "train": {"arms": [{"id": "standard"}], "seeds": [0]},
    "explain": {"explainers": [{"name": "gradient"}]},
    "evaluate": {"metrics": [{"name": "gini"}]},
}


def write(tmp_path, **changes):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    return path


def problem(tmp_path, **changes):
    with pytest.raises(ConfigError) as caught:
        load_study(write(tmp_path, **changes))
    return str(caught.value)


def test_a_good_study_loads_with_its_manifest_found_beside_it(tmp_path):
    config = load_study(write(tmp_path))
    assert config.manifest == str(tmp_path / "cohort" / "manifest.csv")
    assert StudyConfig.model_validate_json(config.model_dump_json()) == config


def test_controls_come_by_default(tmp_path):
    study = load_study(
        write(tmp_path, explain={"explainers": [{"name": "smoothgrad", "id": "calm"}, "gradient"]})
    )
    controls = {control.id: control for control in study.explain.controls}
    assert set(controls) == {
        name
        for name in available("tasks.explainers")
        if (kind := plugin_class("tasks.explainers", name)).control and "pixels" in kind.accepts
    }
    held = {name: control.held.name for name, control in controls.items() if control.held}
    assert held == {"shuffled_map": "smoothgrad", "untrained_network": "smoothgrad"}


def test_a_study_may_do_without_controls(tmp_path):
    explain = {"explainers": [{"name": "gradient"}], "controls": []}
    assert load_study(write(tmp_path, explain=explain)).explain.controls == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tyle": {}}, "study.yaml: unknown key 'tyle'; did you mean 'tile'?"),
        ({"tile": {"mpp": 0.5, "tile_pix": 64}}, "unknown key 'tile.tile_pix'; did you mean 'tile_px'?"),
        (
            {"train": {**GOOD["train"], "recipe": {"epoch": 3}}},
            "unknown key 'train.recipe.epoch'; did you mean 'epochs'?",
        ),
        (
            {
                "train": {
                    **GOOD["train"],
                    "arms": [{"id": "a", "regularizers": [{"name": "noise_modulation", "blnd": 1}]}],
                }
            },
            "unknown key 'train.arms.0.regularizers.0.blnd'; did you mean 'blend'?",
        ),
        (
            {"explain": {"explainers": [{"name": "smoothgrad", "sample": 3}]}},
            "unknown key 'explain.explainers.0.sample'; did you mean 'samples'?",
        ),
        (
            {"explain": {"explainers": [{"name": "smothgrad"}]}},
            "no 'smothgrad' among the explainers (did you mean 'smoothgrad'?)",
        ),
        (
            {"explain": {"explainers": [{"name": "gradient"}, {"name": "gradient"}]}},
            "explainer ids must be unique, but gradient",
        ),
        ({"train": {"arms": [{"id": "a"}, {"id": "a"}], "seeds": [0]}}, "arm ids must be unique"),
        (
            {"explain": {"explainers": ["gradient"], "controls": ["smoothgrad"]}},
            "smoothgrad is no control map",
        ),
        (
            {"compare": {"reference_arm": "nope"}},
            "compare.reference_arm 'nope' is no arm; the arms are: standard",
        ),
        ({"tile": {"mpp": 0.5, "classes": ["a", "b"]}}, "must be tile.classes ['a', 'b']"),
        ({"failures": {"max_failed_slides": 1.5}}, "failures.max_failed_slides: input should be less than 1"),
        (
            {"compare": {"top_share": 0.2}},
            "study.yaml: compare.top_share is called predict.aggregator.share now",
        ),
        (
            {"predict": {"aggregator": {"name": "top_shar"}}},
            "no 'top_shar' among the aggregators (did you mean 'top_share'?)",
        ),
        (
            {"predict": {"aggregator": {"name": "top_share", "shar": 0.2}}},
            "unknown key 'predict.aggregator.shar'; did you mean 'share'?",
        ),
        ({"manifest": "cohort.xlsx"}, "the manifest must be a .csv file, got 'cohort.xlsx'"),
        ({"study": "../x"}, "study: string should match pattern"),
        ({"folds": {"count": 2}}, "folds.count: input should be greater than or equal to 3"),
        ({"folds": {"cuont": 3}}, "unknown key 'folds.cuont'; did you mean 'count'?"),
        ({"folds": {"count": 3, "only": [0, 3]}}, "folds: only names fold 3; the folds are 0 to 2"),
        ({"folds": {"count": 3, "only": [1, 1]}}, "folds.only must be unique, but 1"),
        (
            {"folds": {}, "explain": {"explainers": ["gradient"], "splits": ["val", "test"]}},
            "with folds, explain.splits must be [test] or [val], got ['val', 'test']",
        ),
    ],
)
def test_each_mistake_is_one_sentence_with_its_place(tmp_path, changes, sentence):
    assert sentence in problem(tmp_path, **changes)


def test_the_rule_of_the_slide_score_may_be_left_out_or_named(tmp_path):
    assert load_study(write(tmp_path)).predict.aggregator == TopShare(share=0.1)
    named = load_study(write(tmp_path, predict={"aggregator": {"name": "top_share", "share": 0.25}}))
    assert named.predict.aggregator == TopShare(share=0.25)


def test_a_renamed_key_in_a_list_is_answered_with_its_position(tmp_path, monkeypatch):
    monkeypatch.setattr(config_errors, "RENAMED", {"train.arms.rate": "train.arms.lr"})
    told = problem(tmp_path, train={"arms": [{"id": "a"}, {"id": "b", "rate": 0.1}], "seeds": [0]})
    assert told == "study.yaml: train.arms.1.rate is called train.arms.lr now"


@pytest.mark.parametrize(("old", "new"), config_errors.RENAMED.items())
def test_a_renamed_key_is_gone_and_its_new_name_exists(old, new):
    data = StudyConfig.model_validate(GOOD).model_dump(mode="json")
    assert not holds(data, old)
    assert holds(data, new)


def holds(data: object, path: str) -> bool:
    """Return whether nested mappings have the dotted key ``path``."""
    for step in path.split("."):
        if not isinstance(data, dict) or step not in data:
            return False
        data = data[step]
    return True


def test_all_mistakes_are_told_at_once(tmp_path):
    told = problem(tmp_path, tyle={}, failures={"max_failed_slides": 2}).splitlines()
    assert len(told) == 2


def test_a_missing_block_is_named(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in GOOD.items() if k != "tile"}))
    with pytest.raises(ConfigError, match="'tile' is missing"):
        load_study(path)


@pytest.mark.parametrize(
    ("text", "sentence"), [("- a\n- b\n", "must hold a mapping"), ("a: [1\n", "is not YAML")]
)
def test_files_that_are_no_study(tmp_path, text, sentence):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        load_study(path)


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match="no study file"):
        load_study(tmp_path / "none.yaml")


def test_yaml_is_read_by_the_safe_loader(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("study: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigError, match="is not YAML"):
        load_study(path)


@pytest.mark.parametrize("gone", config_errors.REMOVED)
def test_a_key_that_has_gone_is_answered_with_the_reason(tmp_path, gone):
    section, _, key = gone.partition(".")
    assert (
        problem(tmp_path, **{section: {key: 5}})
        == f"study.yaml: {gone} has gone: {config_errors.REMOVED[gone]}"
    )


def test_an_unknown_explainer_is_told_once(tmp_path):
    """Two controls hold the first explainer by default, and neither stands in the file."""
    told = problem(tmp_path, explain={"explainers": [{"name": "gradiant"}]})
    assert told.count("gradiant") == 1
    assert "explain.explainers.0: no 'gradiant' among the explainers (did you mean 'gradient'?)" in told


def test_a_control_of_the_file_that_is_wrong_too_is_told_too(tmp_path):
    wrong = {"explainers": [{"name": "gradiant"}], "controls": [{"name": "shuffled_map", "base": "gradiant"}]}
    told = problem(tmp_path, explain=wrong)
    assert told.count("no 'gradiant'") == 2


def test_a_word_of_another_library_is_answered_with_ours(tmp_path):
    told = problem(tmp_path, explain={"explainers": [{"name": "noisegrad", "samples": 3}]})
    assert told == "study.yaml: unknown key 'explain.explainers.0.samples'; did you mean 'draws'?"


def test_a_word_that_is_like_none_is_answered_with_all(tmp_path):
    told = problem(tmp_path, explain={"explainers": [{"name": "noisegrad", "smples_of_it": 3}]})
    assert told.startswith(
        "study.yaml: unknown key 'explain.explainers.0.smples_of_it'; known keys are: average, "
    )
    assert len(told.splitlines()) == 1
