"""How the loss of an arm is put together."""

import pytest
import torch

from tasks.regularizers.base import Regularizer
from tasks.training.objective import objective
from tests._support.training_steps import make_arm, make_step, tiny_classifier


class Darker(Regularizer):
    amount: float = 0.5

    def inputs(self, step, state):
        return step.inputs * self.amount, {"calls": state.get("calls", torch.zeros(())) + 1}


class Shift(Regularizer):
    def inputs(self, step, state):
        return step.inputs + 0.1, state


class Weigh(Regularizer):
    def sample_weights(self, step, state):
        return 1.0 + step.labels, state


class Penalty(Regularizer):
    def loss_terms(self, step, state):
        return {"noise": step.normal().mean(), "logits": 0.1 * step.logits.square().mean()}, state


class Noter(Regularizer):
    value: float = 1.0

    def inputs(self, step, state):
        step.note("moved", torch.tensor(self.value))
        return step.inputs, state

    def loss_terms(self, step, state):
        step.note("lost", 10 * self.value * step.logits.sum().square().sign())
        return {}, state


def evaluate(*regularizers, weights=(1.0, 1.0)):
    arm = make_arm(*regularizers)
    step = make_step(tiny_classifier(), arm)
    loss, parts = objective(step, arm, torch.tensor(weights))
    return step, arm, loss, parts


def test_standard_loss_is_the_mean_of_class_weighted_cross_entropies():
    step, _, loss, parts = evaluate(weights=(0.5, 3.0))
    expected = (torch.tensor([0.5, 3.0])[step.labels] * step.cross_entropy).mean()
    assert torch.equal(loss, expected)
    assert list(parts) == ["cross_entropy"]


def test_inputs_are_chained_as_listed_and_state_moves_on():
    step, arm, _, _ = evaluate(Darker(), Shift())
    assert torch.allclose(step.inputs, step.images * 0.5 + 0.1)
    step, _, _, _ = evaluate(Shift(), Darker())
    assert torch.allclose(step.inputs, (step.images + 0.1) * 0.5)
    assert arm.states[0] == {"calls": torch.ones(())}


def test_sample_weights_multiply_class_weights():
    step, _, loss, _ = evaluate(Weigh(), Weigh(), weights=(1.0, 2.0))
    factor = torch.tensor([1.0, 2.0])[step.labels] * (1.0 + step.labels) ** 2
    assert loss.item() == pytest.approx((factor * step.cross_entropy).mean().item())


def test_terms_are_added_under_the_name_of_their_regularizer():
    _, _, loss, parts = evaluate(Penalty())
    assert list(parts) == ["cross_entropy", "test_objective.noise", "test_objective.logits"]
    assert loss.item() == pytest.approx(sum(part.item() for part in parts.values()))


def test_two_of_a_kind_are_numbered_and_have_streams_of_their_own():
    _, _, _, parts = evaluate(Penalty(id="one"), Penalty(id="two"))
    first, second = parts["test_objective1.noise"], parts["test_objective2.noise"]
    assert first != second
    assert parts["test_objective1.logits"] == parts["test_objective2.logits"]
    _, _, _, alone = evaluate(Penalty())
    assert alone["test_objective.noise"] == first


def test_notes_bear_the_label_of_who_left_them_and_are_no_loss():
    step, _, loss, parts = evaluate(Noter(id="one"), Noter(id="two", value=2))
    assert list(parts) == ["cross_entropy"]
    assert torch.equal(loss.detach(), parts["cross_entropy"])
    found = {name: note.item() for name, note in step.notes.items()}
    names = [f"test_objective{place}.{name}" for name in ("moved", "lost") for place in (1, 2)]
    assert found == dict(zip(names, (1, 2, 10, 20), strict=True))
    assert not any(note.requires_grad for note in step.notes.values())
    assert evaluate()[0].notes == {}
