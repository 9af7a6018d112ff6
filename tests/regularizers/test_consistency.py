"""Consistency training: its loss by hand, its attacks on networks whose gradients are known, its traps."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from tasks.functional.odds import log_odds
from tasks.regularizers.base import STANDARD, TrainingPasses, step_passes
from tasks.regularizers.consistency import Consistency
from tasks.training.objective import objective
from tests._support.finite_differences import slopes
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier
from tests._support.two_layer import margin_weight, two_layer

EPS = 4 / 255
EQUAL = torch.ones(2)


def plain_step(model, method, count=6, inner=False):
    """A step on images in double precision of the size of a two-layer network, seeded."""
    batch = random_batch(count=count, tile_px=4)
    images = batch.images.double()
    step = make_step(model, make_arm(method), replace(batch, images=0.2 + 0.6 * images if inner else images))
    step.generator, step.settled = torch.Generator().manual_seed(3), True
    return step


def test_the_note_is_the_mean_change_of_a_channel():
    step = plain_step(two_layer(), Consistency(), inner=True)
    Consistency().loss_terms(step, {})
    assert step.notes["perturbation"].item() == pytest.approx(EPS, abs=1e-9)


def attacked(method, model, **kwargs):
    step = plain_step(model, method, **kwargs)
    return step, method._adversarial(step)


@pytest.mark.parametrize("feature_weight", [0.0, 0.7])
def test_the_loss_is_the_mixture_of_the_paper(feature_weight):
    method = Consistency(mix=0.3, feature_weight=feature_weight)
    model = tiny_classifier()
    arm = make_arm(method)
    step = make_step(model, arm)
    loss, parts = objective(step, arm, EQUAL)
    with torch.no_grad():
        twin = tiny_classifier()
        other = make_step(twin, arm)
        other.settled = True
        clean, moved = other.main, other.forward(method._adversarial(other))
        losses = [F.cross_entropy(each.logits, step.labels) for each in (clean, moved)]
        maps = [F.normalize(each.features.flatten(1)) for each in (clean, moved)]
        apart = (maps[0] - maps[1]).square().sum(1).mean()
    expected = 0.3 * losses[0] + 0.7 * losses[1] + feature_weight * apart
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert parts["consistency.adversarial"].item() == pytest.approx(0.7 * losses[1].item(), rel=1e-5)
    assert ("consistency.features" in parts) == (feature_weight > 0)
    assert apart > 1e-5


def test_both_cross_entropies_balance_the_classes():
    """Weights (0, 2) leave the tiles of class 0 out of both."""
    batch = random_batch()
    batch = replace(batch, labels=torch.zeros_like(batch.labels))
    arm = make_arm(Consistency(feature_weight=0))
    loss, _ = objective(make_step(tiny_classifier(), arm, batch), arm, torch.tensor([0.0, 2.0]))
    assert loss.item() == 0
    twice, once = (
        objective(make_step(tiny_classifier(), make_arm(Consistency()), batch), make_arm(Consistency()), w)[1]
        for w in (2 * EQUAL, EQUAL)
    )
    name = "consistency.adversarial"
    assert twice[name].item() == pytest.approx(2 * once[name].item(), rel=1e-6)


def test_before_warm_up_it_is_standard_training_and_costs_nothing():
    model, arm = tiny_classifier(), make_arm(Consistency(warmup=0.95))
    step = make_step(model, arm)
    with counted_training_passes(model, 8) as spent:
        assert arm.regularizers[0].sample_weights(step, {}) == (None, {})
        loss, parts = objective(step, arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == STANDARD
    assert set(parts) == {"cross_entropy"}
    torch.testing.assert_close(loss, F.cross_entropy(step.logits, step.labels), rtol=1e-6, atol=0)


def test_half_way_up_the_ramp_half_of_it_counts():
    method = Consistency(mix=0.4, warmup=0.2, ramp=0.4)
    parts, weights = {}, {}
    for progress in (0.4, 0.6):
        step = make_step(tiny_classifier(), make_arm(method))
        step.progress, step.settled = progress, True
        parts[progress] = method.loss_terms(step, {})[0]
        weights[progress] = method.sample_weights(step, {})[0]
    assert torch.allclose(weights[0.4], torch.full((8,), 0.7))
    assert torch.allclose(weights[0.6], torch.full((8,), 0.4))
    for name in ("adversarial", "features"):
        assert parts[0.4][name].item() == pytest.approx(parts[0.6][name].item() / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"attack": "fgsm", "steps": 7}, 1),
        ({"attack": "fgsm", "target": "random"}, 1),
        ({"attack": "least_likely", "steps": 4}, 4),
        ({"feature_weight": 0}, 1),
    ],
)
def test_declared_passes_are_made_and_the_control_costs_no_more(settings, steps):
    model, method = tiny_classifier(), Consistency(**settings)
    arm = make_arm(method)
    with counted_training_passes(model, 8) as spent:
        loss, _ = objective(make_step(model, arm), arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == step_passes((method,))
    assert spent.passes == STANDARD + TrainingPasses(steps + 1, input_backward=steps, full_backward=1)


def test_fgsm_takes_one_whole_signed_step_away_from_the_prediction():
    model = two_layer()
    step, moved = attacked(Consistency(eps=EPS), model)
    predicted = model(step.images).argmax(1)
    assert set(predicted.tolist()) == {0, 1}
    direction = margin_weight(model, 1, 0).sign() * torch.where(predicted == 0, 1, -1)[:, None, None, None]
    assert torch.allclose(moved, (step.images + EPS * direction).clamp(0, 1), atol=1e-12)


def test_fgsm_never_sees_the_label():
    """A step away from the label writes the label into the image, which training then reads there."""
    method, model = Consistency(), two_layer()
    step, moved = attacked(method, model)
    swapped = make_step(model, make_arm(method), replace(step.batch, labels=1 - step.labels))
    assert torch.equal(moved, method._adversarial(swapped))


def test_fgsm_works_from_the_clean_image_without_noise():
    method, model = Consistency(), two_layer()
    step, moved = attacked(method, model, inner=True)
    step.generator = torch.Generator().manual_seed(99)
    assert torch.equal(moved, method._adversarial(step))
    assert torch.allclose((moved - step.images).abs(), torch.tensor(EPS).double(), atol=1e-9)


def test_a_prediction_certain_to_the_last_bit_is_attacked_all_the_same():
    """The gradient of its cross-entropy is zero: the sign of zero would leave the image as it is."""
    model = two_layer().float()
    model.network[3].weight.data *= 1e4
    step = plain_step(model, Consistency(), inner=True)
    images = step.images.float().requires_grad_()
    logits = model(images)
    (lost,) = torch.autograd.grad(F.cross_entropy(logits, logits.argmax(1)), images)
    assert torch.equal(lost, torch.zeros_like(lost))
    step.batch = replace(step.batch, images=images.detach())
    assert ((Consistency()._adversarial(step) - images).abs() > 0.9 * EPS).all()


def test_a_random_target_is_any_class_but_the_predicted_one():
    model = two_layer(classes=4)
    method = Consistency(target="random")
    step = plain_step(model, method, count=4000)
    logits = model(step.images).detach()
    chosen = method._choose(step, logits)
    predicted = logits.argmax(1)
    assert not (chosen == predicted).any()
    shares = torch.bincount((chosen - predicted) % 4, minlength=4) / 4000
    assert shares.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], abs=0.03)


def test_a_random_target_is_sought():
    model = two_layer(classes=4)
    method = Consistency(target="random", eps=0.01)
    step, moved = attacked(method, model, count=64)
    step.generator = torch.Generator().manual_seed(3)
    before, after = model(step.images), model(moved)
    chosen = method._choose(step, before)
    assert (log_odds(after, chosen) > log_odds(before, chosen)).all()


def test_with_two_classes_a_random_target_is_the_other_one():
    moved = [attacked(Consistency(target=target), two_layer())[1] for target in ("predicted", "random")]
    assert torch.equal(*moved)


def test_least_likely_goes_all_the_way_to_one_class():
    """A budget in which the prediction flips: who asked anew in each step would turn back half way."""
    model, eps = two_layer(), 0.4
    step, moved = attacked(Consistency(attack="least_likely", steps=5, eps=eps), model)
    clean = model(step.images).argmax(1)
    direction = margin_weight(model, 1, 0).sign() * torch.where(clean == 0, 1, -1)[:, None, None, None]
    assert torch.allclose(moved, (step.images + eps * direction).clamp(0, 1), atol=1e-12)
    assert (model(moved).argmax(1) != clean).all()


@pytest.mark.parametrize("settings", [{}, {"attack": "least_likely", "steps": 4}, {"target": "random"}])
def test_no_pixel_leaves_its_budget_or_the_unit_interval(settings):
    method, model = Consistency(eps=EPS, **settings), tiny_classifier()
    batch = random_batch()
    batch.images[:, :, :8], batch.images[:, :, 8:16] = 1.0, 0.0
    step = make_step(model, make_arm(method), batch)
    step.generator = torch.Generator().manual_seed(0)
    moved = method._adversarial(step)
    assert (moved - step.images).abs().max() <= EPS + 1e-7
    assert (moved.min(), moved.max()) == (0, 1)
    assert (moved - step.images).abs().mean() > 0.5 * EPS
    assert not moved.requires_grad


def test_a_target_for_the_least_likely_class_is_refused():
    with pytest.raises(ValueError, match="'least_likely' names its own"):
        Consistency(attack="least_likely", target="random")


@pytest.mark.parametrize("scale", [1e-25, 1e-6, 1e3])
def test_a_network_with_shrunken_features_gains_nothing(scale):
    """The head undoes the scale, so the attack is the same; any constant in the norm would show."""
    method, terms = Consistency(eps=0.1), []
    for factor in (1.0, scale):
        model = two_layer().float()
        convolution, _, _, head = model.network
        for weight in (convolution.weight, convolution.bias):
            weight.data *= factor
        head.weight.data /= factor
        step = plain_step(model, method)
        step.batch = replace(step.batch, images=step.images.float())
        step.inputs = step.images
        terms.append(method.loss_terms(step, {})[0]["features"].item())
    assert terms[0] == pytest.approx(terms[1], rel=1e-3)
    assert terms[0] > 0.001


@pytest.mark.parametrize("name", ["adversarial", "features"])
def test_the_gradient_of_each_term_agrees_with_finite_differences(name, monkeypatch):
    """Both branches of the feature term are trained. The attack, a sign, is held still."""
    model, method = two_layer(smooth=True), Consistency(eps=0.2)
    fixed = attacked(method, model)[1]
    monkeypatch.setattr(Consistency, "_adversarial", lambda *_: fixed)
    weight = model.network[0].weight

    def term():
        return method.loss_terms(plain_step(model, method), {})[0][name]

    analytic, numeric = slopes(term, weight)
    assert analytic == pytest.approx(numeric, rel=1e-5)
    assert abs(numeric) > 1e-4
