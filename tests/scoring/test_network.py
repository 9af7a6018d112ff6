"""A network is looked at once, and refused in one sentence."""

import numpy as np
import pytest
import torch
from torch import nn

from tasks.functional.passes import counted_passes
from tasks.scoring.errors import ScoringError
from tasks.scoring.input_checks import checked_images
from tasks.scoring.network import admitted
from tests._support.small_networks import small_network, state_of

IMAGES = np.full((3, 3, 8, 8), 128, np.uint8)


def images(targets=(0, 1, 1)):
    return checked_images(IMAGES, np.array(targets), {}, None, None)


class Answering(nn.Module):
    """Gives for an image whatever it was made with."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, _images):
        return self.answer


def test_classes_are_counted_in_three_passes():
    model = small_network(classes=4)
    before = state_of(model)
    with counted_passes(model) as counter:
        assert admitted(model, images(), "cpu").classes == 4
    assert counter.spent.forward == 3 + 3 + 1, "three passes: three images twice, one alone"
    assert state_of(model) == before


@pytest.mark.parametrize("targets", [(0, 2, 1), (0, -1, 1)])
def test_a_target_that_is_no_class(targets):
    with pytest.raises(
        ScoringError, match=rf"targets name class {targets[1]}; the model has 2 classes, counted"
    ):
        admitted(small_network(), images(targets), "cpu")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (small_network(classes=1), r"shape \[3, 1\] for 3 images; needed logits \[3, K\] with K >= 2"),
        (Answering(torch.zeros(2)), r"shape \[2\] for 3 images; needed logits \[3, K\]"),
        (Answering((torch.zeros(1, 2),)), "the model Answering gave tuple; needed a tensor of logits"),
        (Answering(torch.tensor([[0.0, torch.nan]] * 3)), "logits that are not finite"),
        (
            nn.Linear(5, 2),
            r"the model Linear does not take images of shape \[3, 3, 8, 8\]: RuntimeError: mat1",
        ),
        (small_network().double(), "the model holds torch.float64 weights; needed torch.float32"),
        (small_network().to("meta"), "the model lies on meta, the device asked for is cpu"),
        (torch.relu, "the model is builtin_function_or_method; needed a torch.nn.Module"),
    ],
)
def test_networks_that_are_none(model, said):
    with pytest.raises(ScoringError, match=said):
        admitted(model, images(), "cpu")


def test_a_device_that_is_none():
    with pytest.raises(ScoringError, match="no device 'gpu'"):
        admitted(small_network(), images(), "gpu")
