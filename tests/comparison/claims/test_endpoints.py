import re

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.claims.endpoints import (
    PERFORMANCE,
    EndpointScores,
    endpoint_names,
    performance_endpoints,
    refuse_unknown,
)
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.rows.cluster_sums import performance_sums
from tasks.comparison.rows.prediction_units import PredictionUnits
from tests._support.claim_jobs import claim

CLASSES = ("normal", "tumour")
KNOWN = {
    "gradient": {
        "deletion": EndpointScores(
            ("gap", "morf", "size"), ("gap", "morf"), CLASSES, ("random_map", "edge_map")
        ),
        "erasure": EndpointScores(("drop",), ("drop",)),
        "gini": EndpointScores(("gini",)),
    },
    PERFORMANCE: performance_endpoints(),
    MODEL: {"neuron_consistency": EndpointScores(("adversarial_true",))},
}
GAP = "gradient/deletion.gap over random_map"
ARMS = ("standard", "better")


def test_an_endpoint_has_three_parts():
    assert endpoint_names("gradient/deletion.gap") == ("gradient", "deletion", "gap")
    assert endpoint_names("performance/tile.auroc") == ("performance", "tile", "auroc")


@pytest.mark.parametrize(
    "endpoint",
    [
        "gradient/deletion.gap over random_map",
        "gradient/deletion.gap on tumour over edge_map",
        "gradient/deletion.size",
        "gradient/gini.gini",
        "performance/slide.ece",
        "model/neuron_consistency.adversarial_true",
    ],
)
def test_what_the_study_has_is_taken(endpoint):
    ComparisonRecipe(primary=endpoint, claims=(claim(endpoint=endpoint),)).refuse_unknown(ARMS, KNOWN)


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        (
            "gradeint/deletion.gap",
            "x 'gradeint/deletion.gap': no explainer is called 'gradeint' (did you mean 'gradient'?); there "
            "are: gradient, performance, model",
        ),
        (
            "gradient/deletoin.gap",
            "x 'gradient/deletoin.gap': no metric is called 'deletoin' (did you mean 'deletion'?); there "
            "are: deletion, erasure, gini",
        ),
        (
            "gradient/deletion.gini",
            "x 'gradient/deletion.gini': no score of 'deletion' is called 'gini'; there are: gap, morf, size",
        ),
        (
            "performance/tiles.auroc",
            "x 'performance/tiles.auroc': no level is called 'tiles' (did you mean 'tile'?); there are: "
            "tile, slide",
        ),
        (
            "model/gradient_scale.margin",
            "x 'model/gradient_scale.margin': no model metric is called 'gradient_scale'; there are: "
            "neuron_consistency",
        ),
    ],
)
def test_what_it_lacks_is_refused_with_the_nearest_name(endpoint, sentence):
    with pytest.raises(ValueError, match="there are") as caught:
        refuse_unknown("x", endpoint, KNOWN)
    assert str(caught.value) == sentence


def test_a_class_is_named_only_where_several_are_scored():
    with pytest.raises(ValueError, match="'erasure' scores tiles of the explained class alone; leave"):
        refuse_unknown("x", "gradient/erasure.drop on tumour", KNOWN)


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        (
            "gradient/deletion.gap on tumor",
            "no label of the tiles that 'deletion' scores is called 'tumor' (did",
        ),
        (
            "gradient/deletion.gap over random",
            "no control without a network is called 'random' (did you mean",
        ),
        ("gradient/gini.gini on tumour", "' on' and ' over' follow scores of removal alone; 'gini' is none"),
        ("gradient/deletion.size over edge_map", "follow scores of removal alone; 'size' is none"),
    ],
)
def test_a_label_and_a_control_must_be_those_of_the_study(endpoint, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        refuse_unknown("x", endpoint, KNOWN)


def test_arms_are_not_compared_in_bare_removal():
    """How an output falls when pixels go is a property of the network; over a control it is the map's."""
    bare = "gradient/deletion.gap on tumour"
    said = f"{re.escape(bare)}' compares arms in what removal does.* '{re.escape(bare)} over random_map' or "
    with pytest.raises(ValueError, match=said):
        ComparisonRecipe(claims=(claim(endpoint=bare),)).refuse_unknown(ARMS, KNOWN)
    with pytest.raises(ValueError, match=r"compare\.primary 'gradient/deletion\.gap' compares arms"):
        ComparisonRecipe(primary="gradient/deletion.gap").refuse_unknown(ARMS, KNOWN)
    with pytest.raises(ValueError, match="the study has none, so add one, such as optical_density"):
        ComparisonRecipe(primary="gradient/erasure.drop").refuse_unknown(ARMS, KNOWN)


def test_explainers_of_one_network_are():
    one = claim(endpoint="gradient/deletion.gap", arm="better", against="better", against_explainer="lrp")
    ComparisonRecipe(claims=(one,)).refuse_unknown(ARMS, {**KNOWN, "lrp": KNOWN["gradient"]})


def test_a_study_without_model_metrics_says_there_are_none():
    with pytest.raises(ValueError, match="no model metric is called 'm'; there are none"):
        refuse_unknown("x", "model/m.s", {**KNOWN, MODEL: {}})


def test_a_claim_about_an_unknown_arm_or_endpoint_names_the_claim():
    with pytest.raises(ValueError, match=r"claim 'more_faithful': no arm is called 'bettre' \(did you mean"):
        ComparisonRecipe(claims=(claim(arm="bettre", endpoint=GAP),)).refuse_unknown(ARMS, KNOWN)
    with pytest.raises(ValueError, match="no arm is called 'nobody'; there are: standard, better"):
        ComparisonRecipe(claims=(claim(against="nobody", endpoint=GAP),)).refuse_unknown(ARMS, KNOWN)
    with pytest.raises(
        ValueError, match=r"claim 'more_faithful': endpoint 'gradient/deletion\.gop': no score"
    ):
        ComparisonRecipe(claims=(claim(endpoint="gradient/deletion.gop"),)).refuse_unknown(ARMS, KNOWN)
    with pytest.raises(ValueError, match=r"compare\.primary 'gradient/deletion\.gop': no score"):
        ComparisonRecipe(primary="gradient/deletion.gop").refuse_unknown(ARMS, KNOWN)


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ([{}, {}], "ids of claims must be unique, but 'more_faithful' is listed more than once"),
        (
            [{"primary": True}, {"id": "other", "primary": True}],
            "source 'arXiv:0000.00001' has more than one primary claim; name the one that counts",
        ),
    ],
)
def test_claims_are_told_apart(claims, sentence):
    with pytest.raises(ValidationError, match=sentence):
        ComparisonRecipe(claims=tuple(claim(**changed) for changed in claims))


def test_two_papers_may_each_have_a_primary_claim():
    two = (claim(primary=True), claim(id="other", source="arXiv:0000.00002", primary=True))
    assert len(ComparisonRecipe(claims=two).claims) == 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"against": "better"}, "claim 'more_faithful' sets arm 'better' against itself"),
        ({"expected": "not_lower"}, "expects not_lower and needs a margin above 0"),
        ({"margin": -0.1}, "greater than or equal to 0"),
        ({"endpoint": "deletion.gap"}, "String should match pattern"),
        ({"expected": "better"}, "Input should be 'higher', 'lower', 'not_lower' or 'not_higher'"),
        ({"reason": "why"}, "Extra inputs are not permitted"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused(changed, sentence):
    with pytest.raises(ValidationError, match=sentence):
        claim(**changed)


def test_the_names_of_prediction_are_those_that_are_computed():
    units = PredictionUnits(pd.DataFrame(index=range(2)), np.array([0, 1]), np.eye(2), 1)
    found = performance_sums(units, np.zeros(2, dtype=np.intp), 1, 5)
    assert set(found) == set(performance_endpoints()["tile"].names)


def test_the_reserved_word_is_the_one_that_reports_bear():
    assert MODEL == "model"
