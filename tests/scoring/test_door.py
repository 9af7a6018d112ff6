"""Networks as users bring them, through the whole of ``evaluate``: the right numbers, or one sentence."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.scoring.errors import NetworkWarning, ScoringError
from tasks.scoring.evaluate import evaluate
from tests._support.odd_networks import (
    Checkpointed,
    Odd,
    OfTheBatch,
    Probabilities,
    Raising,
    dropping,
    in_place,
    out_of_place,
    standardising,
)
from tests._support.small_networks import state_of

SIDE = 16
IMAGES = np.random.default_rng(0).random((6, 3, SIDE, SIDE)).astype(np.float32)
MAPS = np.random.default_rng(1).normal(size=(6, SIDE, SIDE)).astype(np.float32)
TARGETS = np.array([0, 1, 1, 0, 1, 0])
METRICS = ({"name": "deletion", "steps": 4, "ranked_by": "magnitude"}, {"name": "completeness"})
EXPLAINERS = ("gradient", "deep_lift", "guided_backprop", "grad_cam", "occlusion", "smoothgrad")


def explained(model, *names, images=IMAGES, metrics=METRICS):
    asked = {
        name: {"name": name, "samples": 2, "sigma": 0.1} if name == "smoothgrad" else name for name in names
    }
    return evaluate(model, images, TARGETS, explainers=asked, metrics=metrics, controls=())


def scored(model, images=IMAGES, **more):
    return evaluate(model, images, TARGETS, attributions={"m": MAPS}, metrics=METRICS[:1], **more)


def test_a_network_that_works_in_place_scores_as_one_that_does_not_and_no_image_is_overwritten():
    images = torch.from_numpy(IMAGES.copy())
    model = in_place()
    before = state_of(model)
    one, other = explained(model, *EXPLAINERS, images=images), explained(out_of_place(), *EXPLAINERS)
    np.testing.assert_allclose(one.scores["value"], other.scores["value"], rtol=1e-4, atol=1e-5)
    assert torch.equal(images, torch.from_numpy(IMAGES))
    assert state_of(model) == before


def test_images_are_left_as_found_when_it_fails_too():
    images = IMAGES.copy()
    model = Odd(lambda x: F.pad(x.sub_(0.5), (0, 0, -99, 0)))
    with pytest.raises(ScoringError, match="the model Odd does not take images of shape"):
        scored(model, images)
    np.testing.assert_array_equal(images, IMAGES)


@pytest.mark.parametrize("name", ["deep_lift", "integrated_gradients"])
def test_a_baseline_without_finite_logits_is_named(name):
    said = "Odd gives logits that are not finite on the baseline 'white'"
    with pytest.raises(ScoringError, match=said):
        explained(standardising(), name)
    # A blur is no flat image, so the same network can be asked about it.
    blurred = {"name": name, "baseline": "blur", "blur_px": 2.0}
    table = evaluate(
        standardising(), IMAGES, TARGETS, explainers={"b": blurred}, metrics=["completeness"], controls=()
    )
    assert table.scores["value"].notna().all()


@pytest.mark.parametrize("fill", ["white", "mean_tissue"])
def test_a_fill_without_finite_logits_is_named(fill):
    asked = {**METRICS[0], "fill": fill}
    with pytest.raises(ScoringError, match=f"logits that are not finite on .*'{fill}'"):
        evaluate(standardising(), IMAGES, TARGETS, attributions={"m": MAPS}, metrics=[asked])
    asked["fill"] = "blur"
    assert len(evaluate(standardising(), IMAGES, TARGETS, attributions={"m": MAPS}, metrics=[asked]).scores)


@pytest.mark.parametrize(
    ("make", "said"), [(dropping, "at a second call"), (OfTheBatch, "logits alone than")]
)
def test_answers_that_depend_on_the_call_or_the_batch_are_refused(make, said):
    with pytest.raises(ScoringError, match=said):
        scored(make())


@pytest.mark.parametrize("error", [AssertionError("few"), ValueError("few"), KeyError("few")])
def test_an_error_at_any_time_is_a_sentence(error):
    """At the door; then only on white images, which the door does not show."""
    kind = type(error).__name__
    with pytest.raises(ScoringError, match=f"does not take images of .*: {kind}"):
        scored(Raising(error))
    only_white = Raising(error, lambda images: bool((images == 1).flatten(1).all(1).any()))
    with pytest.raises(ScoringError, match=rf"the model failed on inputs of shape .*'white'.*: {kind}"):
        scored(only_white)
    with pytest.raises(ScoringError, match=f"deep_lift cannot explain Raising: {kind}"):
        explained(only_white, "deep_lift")


def test_inside_inference_mode_it_is_one_sentence():
    with torch.inference_mode(), pytest.raises(ScoringError, match=r"inside torch\.inference_mode"):
        scored(out_of_place())


def test_probabilities_and_autocast_are_said_and_shown(tmp_path):
    with pytest.warns(NetworkWarning, match="look like probabilities"):
        table = scored(Probabilities())
    assert (
        "## Know first\n\n- the outputs of the model Probabilities look like probabilities"
        in table.to_markdown()
    )
    assert "look like probabilities" in (table.write(tmp_path / "r") / "score.json").read_text()
    with (
        torch.autocast("cpu", dtype=torch.bfloat16),
        pytest.warns(NetworkWarning, match="autocast to bfloat16"),
    ):
        scored(out_of_place())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scored(out_of_place()).notes == ()


@pytest.mark.parametrize("name", ["gradient", "guided_backprop"])
def test_checkpointing_changes_no_gradient(name):
    one, other = explained(Checkpointed(False), name), explained(Checkpointed(None), name)
    np.testing.assert_allclose(one.scores["value"], other.scores["value"], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "reentrant", "said"),
    [
        ("deep_lift", False, r"runs layers again in the backward pass .* switch checkpointing off"),
        ("deep_lift", True, r"runs layers again in the backward pass .* switch checkpointing off"),
        ("lrp", False, r"runs layers again in the backward pass .* switch checkpointing off"),
        ("lrp", True, "Checkpointed calls '_set_grad_enabled' outside of a module"),
    ],
)
def test_what_sets_rules_refuses_checkpointing(name, reentrant, said):
    model = Checkpointed(reentrant)
    before = state_of(model)
    with pytest.raises(ScoringError, match=said):
        explained(model, name)
    assert state_of(model) == before


def test_the_older_checkpointing_is_a_sentence_for_gradients_too():
    with pytest.raises(
        ScoringError, match=r"gradient cannot explain Checkpointed: RuntimeError: .*checkpoint"
    ):
        explained(Checkpointed(True), "gradient")


def test_the_layer_of_a_map_is_named():
    table = explained(out_of_place(), "grad_cam")
    assert table.notes == ("grad_cam: The maps are of the layer body.3.",)
    assert table.recipes["grad_cam"]["layer"] == "body.3"
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 2))
    with pytest.raises(ScoringError, match=r"no last map .* name the layer yourself as 'layer'"):
        explained(model, "grad_cam")


def test_maps_that_miss_their_sum_are_called_incomplete():
    clamped = Odd(lambda x: (3 * x).clamp(1, 2))
    with pytest.warns(NetworkWarning, match=r"^deep_lift: These maps are incomplete: .* miss \d+% of it"):
        table = explained(clamped, "deep_lift")
    assert table.means.query("metric == 'completeness' and score == 'relative'")["mean"].item() > 0.1
    assert explained(out_of_place(), "deep_lift").notes == ()


def test_an_explainer_that_cannot_prepare_the_network_is_a_sentence():
    class Uncopied(Odd):
        def __deepcopy__(self, memo):
            raise TypeError("cannot be copied")

    untrained = {"u": {"name": "untrained_network", "base": {"name": "gradient"}}}
    with pytest.raises(
        ScoringError, match="explainer 'u' cannot explain Uncopied: TypeError: cannot be copied"
    ):
        evaluate(Uncopied(), IMAGES, TARGETS, explainers=untrained, metrics=["gini"], controls=())
