"""Metrics and explainers by name, and what is wrong with a name."""

from typing import ClassVar

import pytest

from tasks.explainers.gradient import Gradient
from tasks.explainers.noisegrad import NoiseGrad
from tasks.faithfulness.average_sensitivity import AverageSensitivity
from tasks.faithfulness.base import Metric
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.mass_accuracy import MassAccuracy
from tasks.faithfulness.section_auc import SectionAuc
from tasks.scoring.errors import ScoringError
from tasks.scoring.methods import checked_name, controls_asked, explainers_asked, lacking, metrics_asked


def test_a_metric_is_named_described_or_given():
    given = Deletion(steps=4, id="mine")
    found = metrics_asked(["deletion", {"name": "deletion", "id": "blurred", "fill": "blur"}, given])
    assert found == (Deletion(), Deletion(id="blurred", fill="blur"), given)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ([], "no metric was asked for"),
        (
            ["deletoin"],
            r"metric 'deletoin': no 'deletoin' among the faithfulness \(did you mean 'deletion'\?\)",
        ),
        (["gini", "gini"], "metric ids must be unique, but 'gini' is listed more than once"),
        (
            [{"name": "deletion", "steps": 1}],
            "metric 'deletion', steps: input should be greater than or equal",
        ),
        ([{"name": "deletion", "fil": "white"}], "metric 'deletion', fil: extra inputs are not permitted"),
        ([3], "metric 3: "),
    ],
)
def test_metrics_that_are_none(metrics, said):
    with pytest.raises(ScoringError, match=said):
        metrics_asked(metrics)


def test_explainers_bear_the_names_they_were_given():
    found = explainers_asked({"mine": "gradient", "other": Gradient(reduce="l2")})
    assert found == {"mine": Gradient(id="mine"), "other": Gradient(id="other", reduce="l2")}


def test_noise_that_waits_for_a_calibration_needs_a_number():
    with pytest.raises(ScoringError, match="'n' waits for the calibration of 'noisegrad'; give it a number"):
        explainers_asked({"n": NoiseGrad()})
    assert explainers_asked({"n": NoiseGrad(sigma=0.1)})["n"].uncalibrated is None


def test_controls_are_controls_under_names_of_their_own():
    assert set(controls_asked(["random_map", "optical_density"], ["m"])) == {"random_map", "optical_density"}
    with pytest.raises(ScoringError, match="gradient is no control map; give it as an explainer"):
        controls_asked(["gradient"], [])
    with pytest.raises(ScoringError, match="unique, but 'random_map' is listed more than once"):
        controls_asked(["random_map"], ["random_map"])


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "model"])
def test_a_name_that_cannot_name_a_folder(name):
    with pytest.raises(ScoringError, match="its name may hold letters"):
        checked_name(name)


class WholeSlides(Metric):
    """A stand-in for a metric of tiles that needs whole slides."""

    source: ClassVar[str] = "a test"
    needs: ClassVar[frozenset[str]] = frozenset({"dataset"})


@pytest.mark.parametrize(
    ("metric", "masks", "callable_explainers", "why"),
    [
        (Deletion(), (), False, None),
        (AverageSensitivity(), (), True, None),
        (AverageSensitivity(), (), False, "not available: needs an explainer"),
        (MassAccuracy(), ("annotation",), False, None),
        (MassAccuracy(), ("evidence", "tissue"), True, "not available: needs the mask 'annotation'"),
        (SectionAuc(), ("annotation",), True, "not available: needs slides"),
        (WholeSlides(), (), True, "not available: needs slides"),
    ],
)
def test_what_a_metric_lacks(metric, masks, callable_explainers, why):
    assert lacking(metric, masks, callable_explainers) == why
