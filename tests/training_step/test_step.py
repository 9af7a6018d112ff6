"""A step shares its passes and keeps BatchNorm clean."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tasks.functional.final_map import NoFinalMapError
from tasks.functional.gradients import input_gradient
from tasks.models.classifier import Classifier
from tasks.regularizers.base import STANDARD, Regularizer, TrainingPasses, step_passes
from tasks.training_step.network import module_of
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier


def settled_step(model, **changes):
    step = make_step(model, make_arm())
    for name, value in changes.items():
        setattr(step, name, value)
    step.settled = True
    return step


def test_the_main_forward_pass_is_made_once_and_not_too_early():
    model = tiny_classifier()
    step = make_step(model, make_arm())
    with pytest.raises(RuntimeError, match="before every regularizer gave its input"):
        _ = step.logits
    step.settled = True
    with counted_training_passes(model, 8) as spent:
        assert step.logits is step.logits
        assert step.features.shape == (8, 32, 1, 1)
        assert torch.equal(step.cross_entropy, F.cross_entropy(step.logits, step.labels, reduction="none"))
    assert spent.passes == TrainingPasses(forward=1)


def test_saliency_and_clean_logits_share_a_pass_in_eval_mode():
    model = tiny_classifier()
    step = settled_step(model)
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    with counted_training_passes(model, 8) as spent:
        logits, saliency = step.clean_logits, step.saliency
        assert step.saliency is saliency
    assert spent.passes == TrainingPasses(forward=1, input_backward=1)
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
    assert not logits.requires_grad
    model.eval()
    assert torch.equal(logits, model(step.images))
    assert torch.allclose(saliency, input_gradient(model, step.images, step.labels), atol=1e-7)


def test_the_loss_gradient_can_be_trained_through():
    model = tiny_classifier()
    step = settled_step(model, cached=frozenset({"loss_gradient"}))
    with counted_training_passes(model, 8) as spent:
        penalty = step.loss_gradient.square().sum()
        torch.autograd.backward(penalty + step.cross_entropy.mean(), inputs=list(model.parameters()))
    assert spent.passes == STANDARD + TrainingPasses(double_backward=1)
    assert step.loss_gradient.shape == step.images.shape
    assert step.inputs.grad is None


def test_the_penalty_gradient_agrees_with_finite_differences():
    model = smooth(tiny_classifier()).double()
    weight = model.network.layer1[0].conv1.weight
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)).double()

    def penalty(shift):
        with torch.no_grad():
            weight.add_(shift * direction)
        batch = random_batch()
        step = make_step(model, make_arm(), replace(batch, images=batch.images.double()))
        step.cached, step.settled = frozenset({"loss_gradient"}), True
        value = step.loss_gradient.square().sum()
        (gradient,) = torch.autograd.grad(value, weight)
        return value.item(), (gradient * direction).sum().item()

    size = 1e-6
    _, analytic = penalty(0)
    above, below = penalty(size)[0], penalty(-2 * size)[0]
    assert analytic == pytest.approx((above - below) / (2 * size), rel=1e-4)


def smooth(model):
    """The penalty of a ReLU network jumps where a unit switches, so differences need another activation."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.Softplus())
            elif isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(2))
    return model


def test_other_forward_passes_normalise_by_their_batch_and_update_nothing():
    model = tiny_classifier()
    step = settled_step(model)
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    logits = step.forward(step.images).logits
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
    assert torch.equal(logits, model.train()(step.images))
    assert not torch.equal(model.network.bn1.running_mean, buffers["network.bn1.running_mean"])
    assert logits.requires_grad


def test_pre_activations_are_those_before_each_last_relu():
    model = tiny_classifier()
    step = settled_step(model, cached=frozenset({"pre_activations", "input_graph"}))
    values = step.main.pre_activations
    assert [v.shape[1] for v in values] == [4, 8, 16, 32]
    assert all((v < 0).any() for v in values)
    assert torch.equal(values[3].relu(), step.features)
    (gradient,) = torch.autograd.grad(values[1].sum(), step.inputs, create_graph=True)
    assert gradient.requires_grad
    assert len(step.forward(step.images + 0.1).pre_activations) == 4
    assert settled_step(model).main.pre_activations == ()


def test_eval_mode_freezes_and_restores():
    model = tiny_classifier()
    step = settled_step(model)
    with step.eval_mode():
        assert not module_of(step.model).training
        assert not any(p.requires_grad for p in model.parameters())
    assert model.training
    assert all(p.requires_grad for p in model.parameters())


def test_bfloat16_passes_hand_out_float32_logits():
    step = settled_step(tiny_classifier(), amp=True)
    assert step.logits.dtype == torch.float32
    assert step.features.dtype == torch.bfloat16
    assert step.clean_logits.dtype == torch.float32
    assert step.saliency.dtype == torch.float32


def test_noise_comes_from_the_stream_alone():
    step = settled_step(tiny_classifier())
    draws = []
    for seed in (0, 0, 1):
        step.generator = torch.Generator().manual_seed(seed)
        draws.append((step.normal(), step.uniform()))
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])
    assert not torch.equal(draws[0][0], draws[2][0])
    assert draws[0][0].shape == step.images.shape


def test_shared_parts_are_counted_once():
    class First(Regularizer):
        uses = frozenset({"saliency"})

        def passes(self):
            return TrainingPasses(forward=2, full_backward=1)

    class Second(Regularizer):
        uses = frozenset({"saliency", "clean_logits"})

    pair = (First(), Second())
    assert step_passes(()) == STANDARD
    assert step_passes(pair) == TrainingPasses(forward=1 + 1 + 2, input_backward=1, full_backward=2)


class Tokens(nn.Module):
    """Without a map behind its first layer."""

    def __init__(self):
        super().__init__()
        self.patches, self.norm, self.head = nn.Conv2d(3, 4, 8, stride=8), nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, images):
        return self.head(self.norm(self.patches(images).flatten(2).transpose(1, 2)).mean(1))


def test_a_network_without_a_last_map_trains_and_says_so_where_the_map_is_needed():
    step = settled_step(Classifier(Tokens(), (0.5,) * 3, (0.2,) * 3))
    assert step.logits.shape == (8, 2)
    with pytest.raises(NoFinalMapError, match="a regularizer needs the last map"):
        _ = step.features
