"""Claims in a study file: refused before anything runs, and part of the comparison's identity."""

import pytest
import yaml

from flows.config import StudyConfig, load_study
from tasks.study.errors import ConfigError
from tests._support.plans import plan_of
from tests._support.studies import tiny_config


def claim(**changes):
    said = {"id": "c", "says": "more", "source": "a paper", "arm": "standard", "against": "other"}
    return {**said, "endpoint": "gradient/gini.gini", "expected": "higher", **changes}


def loaded(folder, compare):
    study = {
        "study": "s",
        "manifest": "manifest.csv",
        "tile": {"mpp": 0.5},
        "train": {"arms": [{"id": "standard"}, {"id": "other"}], "seeds": [0]},
        "explain": {"explainers": [{"name": "gradient"}]},
        "evaluate": {"metrics": [{"name": "gini"}], "model_metrics": [{"name": "gradient_scale"}]},
        "compare": compare,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    return load_study(path)


@pytest.mark.parametrize(
    ("compare", "sentence"),
    [
        (
            {"claims": [claim(arm="standart")]},
            "claim 'c': no arm is called 'standart' (did you mean 'standard'?); there are: standard, other",
        ),
        (
            {"claims": [claim(endpoint="gradient/gini.ginny")]},
            "claim 'c': endpoint 'gradient/gini.ginny': no score of 'gini' is called 'ginny' (did you mean "
            "'gini'?); there are: gini",
        ),
        (
            {"claims": [claim(endpoint="random_map/gini.gini")]},
            "no explainer is called 'random_map'; there are: gradient, performance, model",
        ),
        (
            {"claims": [claim(endpoint="model/neuron_consistency.clean")]},
            "no model metric is called 'neuron_consistency'; there are: gradient_scale",
        ),
        ({"claims": [claim(arm="other")]}, "claim 'c' sets arm 'other' against itself"),
        ({"claims": [claim(), claim()]}, "ids of claims must be unique, but 'c' is listed more than once"),
        (
            {"claims": [claim(primary=True), claim(id="d", primary=True)]},
            "source 'a paper' has more than one primary claim",
        ),
        ({"claims": [claim(expected="not_lower")]}, "claim 'c' expects not_lower and needs a margin above 0"),
        ({"claims": [claim(margn=1)]}, "unknown key 'compare.claims.0.margn'; did you mean 'margin'?"),
        ({"primary": "gradient/gini.gnii"}, "compare.primary 'gradient/gini.gnii': no score of 'gini'"),
    ],
)
def test_a_claim_that_cannot_be_answered_is_refused(tmp_path, compare, sentence):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, compare)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "endpoint", ["gradient/gini.gini", "performance/slide.auroc", "model/gradient_scale.margin"]
)
def test_claims_on_what_the_study_measures_are_taken(tmp_path, endpoint):
    config = loaded(tmp_path, {"primary": "gradient/gini.gini", "claims": [claim(endpoint=endpoint)]})
    assert config.compare.claims[0].endpoint == endpoint
    assert StudyConfig.model_validate_json(config.model_dump_json()) == config


def test_the_id_of_a_claim_is_part_of_the_comparison(manifest, tmp_path):
    """Ids change no number elsewhere, but the page and MLflow name claims by theirs."""

    def recipe(name):
        made = claim(id=name, against="modulated")
        config = tiny_config(manifest, compare={"claims": [made]})
        return plan_of(config, tmp_path).of("compare")[0].recipe

    assert recipe("one") == recipe("one")
    assert recipe("one") != recipe("other")
