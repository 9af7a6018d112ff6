"""Any network answers three passes of questions, or one sentence says what is wrong; all is left as found."""

import contextlib
import sys

import pytest
import torch
from torch import nn

from tasks.functional.passes import counted_passes
from tasks.models.door.ask import ask_network
from tasks.models.errors import ModelError
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet
from tests._support.explained import batches_of
from tests._support.odd_networks import (
    Odd,
    OfTheBatch,
    Probabilities,
    Raising,
    StuckInTraining,
    dropping,
    in_place,
    out_of_place,
)
from tests._support.small_networks import small_network, state_of

IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_it_takes_three_passes_whatever_there_is(count):
    model = small_network(classes=5)
    with batches_of(model) as seen, counted_passes(model) as counter:
        admission = ask_network(model, IMAGES[:count])
    assert seen == [3, 3, 1]
    assert (counter.spent.forward, counter.spent.backward) == (7, 0)
    assert (admission.classes, admission.notes, admission.writes_on_images) == (5, (), False)


def test_a_network_of_ours_passes():
    assert ask_network(build_resnet(NetworkRecipe(width=0.0625), 2, 0), torch.rand(2, 3, 32, 32)).notes == ()


def test_writing_on_the_images_is_noticed_and_not_done_to_the_callers():
    images = IMAGES.clone()
    assert ask_network(in_place(), images).writes_on_images
    assert not ask_network(out_of_place(), images).writes_on_images
    assert torch.equal(images, IMAGES)


REFUSED = {
    "random": (dropping, "Odd gives the same images other logits at a second call, in eval mode: .* dropout"),
    "of the batch": (OfTheBatch, "OfTheBatch gives an image other logits alone than beside other images"),
    "counting": (StuckInTraining, r"StuckInTraining changes its own 'body\.1\.0\.running_mean'|other logits"),
    "not finite": (lambda: Odd(behind=lambda x: x / 0), "Odd gave logits that are not finite"),
    "one logit": (
        lambda: Odd(behind=lambda x: x[:, :1]),
        r"shape \[3, 1\] for 3 images; needed logits \[3, K",
    ),
    "a map": (lambda: Odd(behind=lambda x: x[:, :, None]), r"gave torch.float32 of shape \[3, 2, 1\]"),
    "one row": (lambda: Odd(behind=lambda x: x[:1]), r"shape \[1, 2\] for 3 images"),
    "numbers": (lambda: Odd(behind=lambda x: x.argsort(1)), r"gave torch.int64 of shape \[3, 2\]"),
    "a tuple": (lambda: Odd(behind=lambda x: (x, x)), r"gave tuple; needed a tensor of logits \[B, K\]: say"),
    "a mapping": (lambda: Odd(behind=lambda x: {"logits": x}), "gave dict; needed a tensor"),
    "nothing": (lambda: Odd(behind=lambda x: None), "gave NoneType; needed a tensor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_answer_as_it_must_is_refused_and_left_as_found(name):
    make, said = REFUSED[name]
    model, images = make(), IMAGES.clone()
    model.train()
    before = {**state_of(model), "torch": None}
    with pytest.raises(ModelError, match=said):
        ask_network(model, images)
    assert {**state_of(model), "torch": None} == before
    assert torch.equal(images, IMAGES)


class HomeMadeError(Exception):
    pass


@pytest.mark.parametrize(
    "error",
    [
        *map(AssertionError, ["few"]), *map(ValueError, ["few"]), *map(RuntimeError, ["few"]),
        *map(IndexError, ["few"]), *map(TypeError, ["few"]), *map(AttributeError, ["few"]),
        *map(NotImplementedError, ["few"]), *map(ZeroDivisionError, ["few"]), *map(OSError, ["few"]),
        *map(HomeMadeError, ["few"]),
    ],
)  # fmt: skip
def test_an_error_of_any_type_is_one_sentence(error):
    model = Raising(error)
    before = state_of(model)
    said = rf"^Raising does not take images of shape \[3, 3, 16, 16\]: {type(error).__name__}: few$"
    with pytest.raises(ModelError, match=said) as caught:
        ask_network(model, IMAGES)
    assert caught.value.__cause__ is error
    assert state_of(model) == before


def test_a_network_that_cannot_take_one_image_alone():
    model = Raising(ValueError("two at least"), lambda images: len(images) == 1)
    with pytest.raises(ModelError, match=r"does not take images of shape \[1, 3, 16, 16\]: ValueError: two"):
        ask_network(model, IMAGES)


def test_probabilities_are_told_from_logits():
    (note,) = ask_network(Probabilities(), IMAGES).notes
    assert "outputs of Probabilities look like probabilities" in note
    assert "softmax" in note
    # Rows that sum to one by chance are no probabilities where a value lies outside.
    assert ask_network(Odd(behind=lambda x: torch.stack([x[:, 0] + 9, -8 - x[:, 0]], 1)), IMAGES).notes == ()


def test_inside_inference_mode_nothing_is_asked():
    model = out_of_place()
    with (
        torch.inference_mode(),
        batches_of(model) as seen,
        pytest.raises(ModelError, match=r"called inside torch\.inference_mode, where no gradient"),
    ):
        ask_network(model, IMAGES)
    assert seen == []
    with torch.inference_mode():
        made = out_of_place()
    with pytest.raises(ModelError, match=r"weights of Odd were made inside .* first 'body\.0\.weight'"):
        ask_network(made, IMAGES)


def test_inside_no_grad_all_is_well():
    with torch.no_grad():
        assert ask_network(out_of_place(), IMAGES).classes == 2


def test_autocast_is_said():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (note,) = ask_network(out_of_place(), IMAGES).notes
    assert note.startswith("autocast to bfloat16 is on")


def test_statistics_of_the_batch_are_noticed_on_a_flat_image_too():
    with pytest.raises(ModelError, match="alone"):
        ask_network(OfTheBatch(), torch.full((1, 3, 8, 8), 0.5))


class SameMemory(nn.Module):
    """Returns one buffer of its own, filled anew at each call."""

    def __init__(self):
        super().__init__()
        self.body, self.kept = Odd(), {}

    def forward(self, images):
        out = self.kept.setdefault(len(images), torch.empty(len(images), 2))
        return out.copy_(self.body(images))


def test_answers_in_memory_that_is_used_again_are_compared_all_the_same():
    assert ask_network(SameMemory(), IMAGES).classes == 2


def test_interrupts_pass():
    with pytest.raises(KeyboardInterrupt):
        ask_network(Raising(KeyboardInterrupt()), IMAGES)  # type: ignore[arg-type]
    with contextlib.suppress(SystemExit):
        ask_network(Raising(SystemExit(sys.maxsize)), IMAGES)  # type: ignore[arg-type]


class HiddenWriting(nn.Module):
    """Normalises its images in place where autograd does not look."""

    def __init__(self, through_data: bool) -> None:
        super().__init__()
        self.through_data, self.head = through_data, nn.Linear(3, 2)

    def forward(self, images):
        if self.through_data:
            images.data.sub_(0.5).div_(0.25)
        else:
            with torch.no_grad():
                images.sub_(0.5).div_(0.25)
        return self.head(images.mean((2, 3)))


class SeenWriting(HiddenWriting):
    """Does so in sight of autograd."""

    def forward(self, images):
        return self.head(images.sub_(0.5).div_(0.25).mean((2, 3)))


@pytest.mark.parametrize("through_data", [False, True])
def test_a_network_that_writes_where_autograd_does_not_see_it_is_refused(through_data):
    """Its gradient would lack the factor of 4 without a word."""
    images = torch.rand(2, 3, 4, 4)
    with pytest.raises(ModelError, match="writes on its images where autograd does not see it"):
        ask_network(HiddenWriting(through_data), images)


def test_a_network_that_writes_in_sight_of_autograd_is_admitted():
    assert ask_network(SeenWriting(False), torch.rand(2, 3, 4, 4)).writes_on_images
