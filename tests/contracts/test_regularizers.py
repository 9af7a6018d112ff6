"""Every regularizer, found by itself, is held to the rules of its family."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tasks.model_metrics.base import ModelMetric
from tasks.plugins import available, plugin_class
from tasks.regularizers.base import CACHED_PASSES, Regularizer, step_passes
from tasks.training.objective import objective
from tasks.training.recipe import ArmRecipe
from tasks.training_step.step import Finish
from tests._support.training_passes import counted_training_passes
from tests._support.training_steps import (
    make_arm,
    make_step,
    random_bags,
    random_batch,
    tiny_bag_classifier,
    tiny_classifier,
)

NAMES = available(Regularizer.package)
EQUAL = torch.ones(2)


@pytest.fixture(params=NAMES)
def regularizer(request):
    return plugin_class(Regularizer.package, request.param)()


def network_for(regularizer):
    """A small network of what the method works on, in train mode."""
    return tiny_classifier() if "pixels" in regularizer.accepts else tiny_bag_classifier()


def batch_for(regularizer, seed=0, tile_px=32):
    return (
        random_batch(tile_px=tile_px, seed=seed)
        if "pixels" in regularizer.accepts
        else random_bags(seed=seed)
    )


def modes_and_flags(model):
    """All of a model that a regularizer must leave as it was, less running statistics."""
    return (
        {name: value.clone() for name, value in model.named_parameters()},
        [module.training for module in model.modules()],
        [getattr(module, "track_running_stats", None) for module in model.modules()],
        [getattr(module, "momentum", None) for module in model.modules()],
        [(p.requires_grad, p.grad) for p in model.parameters()],
        [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in model.modules()],
    )


def assert_as_found(model, before):
    weights, *rest = modes_and_flags(model)
    assert all(torch.equal(value, weights[name]) for name, value in before[0].items())
    assert rest == list(before[1:])


def global_generators():
    return torch.random.get_rng_state(), np.random.get_state()[1].tolist()


def test_there_are_regularizers():
    assert "noise_modulation" in NAMES


def test_defaults_construct_cite_a_source_and_survive_json(regularizer):
    assert regularizer.source
    assert type(regularizer).__doc__
    assert regularizer.cached_values() <= regularizer.uses <= set(CACHED_PASSES)
    arm = ArmRecipe(id="arm", regularizers=(regularizer,))
    assert ArmRecipe.model_validate_json(arm.model_dump_json()) == arm
    with pytest.raises(ValueError, match="no_such_field"):
        type(regularizer)(no_such_field=1)


def test_it_says_what_it_moves_or_why_nothing_can_be_measured(regularizer):
    assert bool(regularizer.checks) != bool(regularizer.no_check)
    assert set(regularizer.active_checks()) <= set(regularizer.checks)
    assert bool(regularizer.active_checks()) == bool(regularizer.checks)
    for check in regularizer.checks:
        metric = plugin_class(ModelMetric.package, check.metric)()
        (info,) = [info for info in metric.score_infos() if info.name == check.score]
        assert info.direction in (check.direction, "none")


@pytest.mark.parametrize("amp", [False, True], ids=["float32", "bfloat16"])
def test_loss_is_a_finite_scalar_whose_gradient_reaches_every_weight(regularizer, amp):
    model, arm = network_for(regularizer), make_arm(regularizer)
    # 64 px in bfloat16: see tasks/training/half_precision.py.
    step = make_step(model, arm, batch_for(regularizer, tile_px=64 if amp else 32), amp)
    loss, parts = objective(step, arm, EQUAL)
    assert loss.shape == ()
    assert loss.dtype == torch.float32
    assert all(part.shape == () and not part.requires_grad for part in parts.values())
    assert all(torch.isfinite(part) for part in parts.values())
    assert step.inputs.shape == step.images.shape
    assert step.inputs.dtype == torch.float32
    torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert all(isinstance(v, torch.Tensor) and not v.requires_grad for s in arm.states for v in s.values())


def test_same_stream_same_loss_and_another_batch_is_left_alone(regularizer):
    losses = []
    for _ in range(2):
        batch = batch_for(regularizer)
        kept = batch.images.clone()
        arm = make_arm(regularizer)
        loss, _ = objective(make_step(network_for(regularizer), arm, batch), arm, EQUAL)
        losses.append(loss)
        assert torch.equal(batch.images, kept)
        assert batch.images.grad is None
    assert torch.equal(*losses)


def test_state_is_returned_and_never_changed_in_place(regularizer):
    model, arm = network_for(regularizer), make_arm(regularizer)
    objective(make_step(model, arm), arm, EQUAL)
    first = arm.states[0]
    kept = {name: value.clone() for name, value in first.items()}
    objective(make_step(model, arm, batch_for(regularizer, seed=1)), arm, EQUAL)
    assert all(torch.equal(value, first[name]) for name, value in kept.items())


def test_model_and_global_generators_are_left_as_found(regularizer):
    model, arm = network_for(regularizer), make_arm(regularizer)
    before, generators = modes_and_flags(model), global_generators()
    objective(make_step(model, arm), arm, EQUAL)
    assert_as_found(model, before)
    after = global_generators()
    assert torch.equal(generators[0], after[0])
    assert generators[1:] == after[1:]


def test_model_is_left_as_found_when_any_of_its_forward_passes_fails(regularizer):
    model, arm = network_for(regularizer), make_arm(regularizer)
    with counted_training_passes(model, 8) as spent:
        objective(make_step(model, arm), arm, EQUAL)
    calls = int(np.ceil(spent.passes.forward))
    for failing in range(calls):
        before = modes_and_flags(model)
        with _fails_at(model, failing), pytest.raises(FloatingPointError):
            objective(make_step(model, arm), arm, EQUAL)
        assert_as_found(model, before)


def test_batchnorm_learns_from_the_main_forward_pass_alone(regularizer):
    model, arm = network_for(regularizer), make_arm(regularizer)
    twin = copy.deepcopy(model)
    step = make_step(model, arm)
    objective(step, arm, EQUAL)
    mask = step.batch.mask
    twin(step.inputs.detach(), *[] if mask is None else [mask])
    statistics = dict(model.named_buffers())
    for name, value in twin.named_buffers():
        assert torch.equal(value, statistics[name]), name


def test_declared_passes_are_those_it_makes(regularizer):
    model, arm = network_for(regularizer), make_arm(regularizer)
    with counted_training_passes(model, 8) as spent:
        loss, _ = objective(make_step(model, arm), arm, EQUAL)
        torch.autograd.backward(loss, inputs=list(model.parameters()))
    assert spent.passes == step_passes((regularizer,))


def test_after_training_keeps_mode_and_hooks_and_repeats_itself(regularizer):
    results = []
    for _ in range(2):
        model = network_for(regularizer).eval()
        before, generators = modes_and_flags(model), global_generators()
        finish = Finish(
            model=model, clean_batches=lambda: (batch_for(regularizer, seed=s).images for s in range(3))
        )
        regularizer.after_training(finish, {})
        assert modes_and_flags(model)[1:] == before[1:]
        assert torch.equal(global_generators()[0], generators[0])
        results.append(model.state_dict())
    assert all(torch.equal(value, results[1][name]) for name, value in results[0].items())
    assert all(torch.isfinite(value.float()).all() for value in results[0].values())


class _fails_at:  # noqa: N801  # used as a context manager, named as one
    """Make the model raise in its ``number``-th forward pass."""

    def __init__(self, model, number):
        self.left = number
        self.handle = None
        self.model = model

    def __enter__(self):
        layer = next(m for m in self.model.modules() if isinstance(m, nn.BatchNorm2d | nn.Linear))
        self.handle = layer.register_forward_pre_hook(self._count)

    def __exit__(self, *_):
        self.handle.remove()

    def _count(self, _module, _inputs):
        self.left -= 1
        if self.left < 0:
            raise FloatingPointError
