"""A network that writes on its images gets a copy, under the names that it had."""

import pytest
import torch

from tasks.functional.gradients import input_gradient
from tasks.models.door.own_copy import own_copy
from tests._support.odd_networks import in_place, out_of_place
from tests._support.small_networks import state_of

IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([1, 0])


def test_its_logits_and_gradients_are_those_of_a_network_that_does_not_write():
    model, images = in_place(), IMAGES.clone()
    with own_copy(model, needed=True):
        assert torch.equal(model(images), out_of_place()(IMAGES))
        torch.testing.assert_close(
            input_gradient(model, images, TARGETS), input_gradient(out_of_place(), IMAGES, TARGETS)
        )
    assert torch.equal(images, IMAGES)


@pytest.mark.parametrize("needed", [True, False])
def test_the_hook_is_gone_afterwards_also_after_an_error(needed):
    model, wrong = in_place(), torch.rand(2, 5, 8, 8)
    before = state_of(model)
    with pytest.raises(RuntimeError), own_copy(model, needed):
        model(wrong)
    assert state_of(model) == before


def test_where_it_is_not_needed_there_is_none():
    model = out_of_place()
    with own_copy(model, needed=False):
        assert not model._forward_pre_hooks
