"""Every explainer there is, held to the rules of the house."""

import contextlib

import pytest
import torch

from tasks.explainers.base import Explainer, ExplanationError
from tasks.functional.gradients import target_margin
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes, counted_passes
from tasks.functional.tile_keys import tile_keys
from tasks.plugins import available, plugin_class
from tests._support.odd_networks import Odd, Raising, in_place
from tests._support.small_networks import FailingNetwork, small_network, state_of

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
COUNT, SIDE = 5, 16
KEYS = tile_keys([f"slide/{i}_0" for i in range(COUNT)])


def explainer_of(name: str) -> Explainer:
    explainer = plugin_class("tasks.explainers", name)()
    assert isinstance(explainer, Explainer)
    # A sigma that waits for a calibration gets any number; other explainers stay as they are.
    return explainer.calibrated(0.1)


NAMES = [name for name in available("tasks.explainers") if "pixels" in explainer_of(name).inputs]
"""Those of images; what explains bags is in test_bag_explainers."""


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    images = torch.rand(COUNT, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    return images, torch.tensor([1, 0, 1, 1, 0]), KEYS


def test_there_are_explainers():
    assert {"gradient", "smoothgrad", "random_map", "optical_density", "untrained_network"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_its_own_configuration(name):
    explainer = explainer_of(name)
    again = type(explainer).model_validate_json(explainer.model_dump_json())
    assert again == explainer
    assert repr(again) == repr(explainer)
    assert explainer.name == explainer.id == name
    with pytest.raises(ValueError, match="frozen"):
        explainer.id = "other"


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_comes_from_and_what_it_is(name):
    explainer = explainer_of(name)
    assert len(explainer.source) > 20
    assert explainer.kind in ("sensitivity", "contribution", "control")
    assert isinstance(explainer.signed, bool)
    assert isinstance(explainer.complete, bool)
    assert explainer.control == (explainer.kind == "control")
    if explainer.complete:
        assert explainer.reference(small_network(), inputs()[0]) is not None, "promised, but not measured"


@pytest.mark.parametrize("name", [n for n in NAMES if explainer_of(n).complete])
def test_what_is_complete_adds_up(name):
    explainer, model, (images, targets, keys) = explainer_of(name), small_network().eval(), inputs()
    reference = explainer.reference(model, images)
    with torch.no_grad():
        promised = target_margin(model(images), targets) - target_margin(model(reference), targets)
    error = explainer(model, images, targets, keys).sum((1, 2)) - promised
    assert error.abs().mean() < 0.02 * promised.abs().mean()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NAMES)
def test_it_gives_one_finite_map_an_image(name, device):
    model, tensors = small_network().to(device), [t.to(device) for t in inputs()]
    maps = explainer_of(name)(model, *tensors)
    assert maps.shape == (COUNT, SIDE, SIDE)
    assert maps.dtype == torch.float32
    assert maps.device == tensors[0].device
    assert torch.isfinite(maps).all()
    assert not maps.requires_grad
    assert explainer_of(name).signed == bool((maps < 0).any())


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_images_one_by_one_in_any_order(name):
    explainer, model, (images, targets, keys) = explainer_of(name), small_network(), inputs()
    together = explainer(model, images, targets, keys)
    alone = torch.cat(
        [explainer(model, images[i, None], targets[i, None], keys[i, None]) for i in range(COUNT)]
    )
    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-5)
    turned = explainer(model, images.flip(0), targets.flip(0), keys.flip(0)).flip(0)
    torch.testing.assert_close(turned, together, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_maps(name):
    first = explainer_of(name)(small_network(), *inputs())
    torch.rand(7)
    assert torch.equal(explainer_of(name)(small_network(), *inputs()), first)


@pytest.mark.parametrize("name", [n for n in NAMES if "seed" in type(explainer_of(n)).model_fields])
def test_another_seed_gives_other_maps(name):
    explainer = explainer_of(name)
    other = explainer.model_copy(update={"seed": 1})
    model = small_network()
    assert not torch.equal(explainer(model, *inputs()), other(model, *inputs()))


@pytest.mark.parametrize("name", NAMES)
def test_the_model_and_the_inputs_are_left_as_found(name):
    model, tensors = small_network(), inputs()
    before, copies = state_of(model), [t.clone() for t in tensors]
    explainer_of(name)(model, *tensors)
    assert state_of(model) == before
    assert all(torch.equal(t, copy) for t, copy in zip(tensors, copies, strict=True))
    assert not tensors[0].requires_grad


@pytest.mark.parametrize("calls", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_left_as_found_also_when_it_fails(name, calls):
    model = FailingNetwork(calls)
    before = state_of(model)
    with contextlib.suppress(ExplanationError):
        explainer_of(name)(model, *inputs())
    assert state_of(model) == before


@pytest.mark.parametrize("make", [in_place, lambda: Odd(lambda images: images.zero_()[:, :2])])
@pytest.mark.parametrize("name", NAMES)
def test_the_inputs_are_left_as_found_by_a_network_that_writes_on_them(name, make):
    """Also where it raises an error behind that: its first layer takes three channels."""
    tensors = inputs()
    copies = [tensor.clone() for tensor in tensors]
    with contextlib.suppress(ExplanationError):
        explainer_of(name)(make(), *tensors)
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(tensors, copies, strict=True))


@pytest.mark.parametrize("name", [n for n in NAMES if not explainer_of(n).control])
def test_an_error_of_the_network_is_a_sentence_whatever_its_type(name):
    with pytest.raises(ExplanationError, match="few"):
        explainer_of(name)(Raising(AssertionError("few")), *inputs())


SHARED_BY_A_BATCH = {"deep_lift": Passes(forward=1)}
"""Passes that all images of a batch have in common; a batch makes them once."""


@pytest.mark.parametrize("count", [1, COUNT])
@pytest.mark.parametrize("name", NAMES)
def test_it_costs_what_it_says(name, count):
    explainer, model, tensors = explainer_of(name), small_network(), [t[:count] for t in inputs()]
    # Once per network, whatever the number of images.
    explainer = explainer.settled(model, tensors[0])
    with leave_as_found(model), torch.no_grad():
        prepared = explainer.prepare(model)
        with counted_passes(prepared) as counter:
            explainer.attribute(prepared, *tensors)
    shared = SHARED_BY_A_BATCH.get(name, Passes())
    assert counter.spent + shared * (count - 1) == explainer.passes() * count
    assert isinstance(explainer.passes(), Passes)


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_belong_together_is_refused(name):
    explainer, model, (images, targets, keys) = explainer_of(name), small_network(), inputs()
    for wrong in ((images[0], targets, keys), (images, targets[:2], keys), (images, targets, keys.float())):
        with pytest.raises(ExplanationError, match="needed"):
            explainer(model, *wrong)
