"""The Grad-CAM explainer."""

import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn
from torch.nn import functional as F

from tasks.explainers.base import ExplanationError
from tasks.explainers.grad_cam import GradCam
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.models.classifier import Classifier, build_classifier
from tasks.models.recipe import NetworkRecipe
from tests._support.small_networks import small_network, state_of

COUNT = 5
KEYS = torch.arange(COUNT)
IMAGES = torch.rand(COUNT, 3, 16, 16, generator=torch.Generator().manual_seed(1))
TARGETS = torch.tensor([2, 0, 1, 1, 2])


def margin_with(model: nn.Module, targets: torch.Tensor):
    def margin(batch: torch.Tensor) -> torch.Tensor:
        logits = model(batch)
        chosen = logits.gather(1, targets[:, None])[:, 0]
        return (chosen - (logits.sum(1) - chosen) / (logits.shape[1] - 1))[:, None]

    return margin


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("layer", "place"), [(None, 5), ("0", 0), ("2", 2), ("6", 6)])
def test_it_agrees_with_captum(layer, place, positive):
    model = small_network(classes=3)
    ours = GradCam(layer=layer, positive=positive)(model, IMAGES, TARGETS, KEYS)
    cam = LayerGradCam(margin_with(model.eval(), TARGETS), model[place])
    theirs = cam.attribute(IMAGES, target=0, relu_attributions=positive)
    theirs = F.interpolate(theirs, (16, 16), mode="bilinear", align_corners=False)[:, 0].detach()
    torch.testing.assert_close(ours, theirs)
    assert GradCam(positive=positive).signed_maps is not positive
    assert bool((ours < 0).any()) is not positive


class Pointwise(nn.Module):
    """Two channels, the image's first two; the logits are weighted means of theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 2, 1, bias=False)
        self.features.weight.data = torch.eye(3)[:2, :, None, None]
        self.head = nn.Linear(2, 3, bias=False)
        self.head.weight.data = torch.tensor([[1.0, 0.0], [0.0, 2.0], [4.0, -6.0]])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(images).mean((2, 3)))
        return logits


def test_every_image_of_a_batch_is_explained_for_its_own_target():
    """Where each image got the sum over the targets of all, a batch of mixed targets would show it."""
    maps = GradCam()(Pointwise(), IMAGES, TARGETS, KEYS)
    rows = torch.tensor([[1 - 2.0, 0 + 2.0], [0 - 2.5, 2 + 3.0], [4 - 0.5, -6 - 1.0]])
    known = (rows[TARGETS][:, :, None, None] * IMAGES[:, :2]).sum(1) / 256
    torch.testing.assert_close(maps, known)


def test_a_small_map_is_enlarged_between_its_centres():
    model = nn.Sequential(nn.AvgPool2d(2), Pointwise())
    images = torch.zeros(1, 3, 4, 4)
    images[0, 0, :, 2:] = 16.0
    (row, *rest) = GradCam(layer="1.features")(model, images, torch.tensor([0]), KEYS[:1])[0]
    torch.testing.assert_close(row, torch.tensor([0.0, -1.0, -3.0, -4.0]))
    assert all(torch.equal(row, other) for other in rest)


def test_of_a_classifier_it_is_the_map_of_the_last_stage():
    model = build_classifier(NetworkRecipe(width=0.0625), 2, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), 0)
    images, targets = torch.rand(2, 3, 64, 64), torch.tensor([0, 1])
    default = GradCam()(model, images, targets, KEYS[:2])
    assert torch.equal(default, GradCam(layer="network.layer4")(model, images, targets, KEYS[:2]))
    assert not torch.equal(default, GradCam(layer="network.layer3")(model, images, targets, KEYS[:2]))


def test_an_in_place_activation_behind_the_layer_does_not_change_what_is_seen():
    safe = small_network()
    changed = small_network()
    changed[5] = nn.ReLU(inplace=True)
    arguments = (IMAGES, TARGETS.clamp_max(1), KEYS)
    assert torch.equal(GradCam()(safe, *arguments), GradCam()(changed, *arguments))


class Aside(nn.Module):
    """A network with a convolution that runs twice, one that never runs and one that leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.never, self.lost = (nn.Conv2d(3, 3, 1) for _ in range(3))
        self.pair = nn.LSTM(3, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.lost(images)
        self.pair(images[:, :, 0, 0])
        logits: torch.Tensor = self.twice(self.twice(images)).mean((2, 3))
        return logits


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("twice", "'twice' ran 2 times"),
        ("never", "'never' ran 0 times"),
        ("lost", "'lost' does not reach the logits"),
        ("pair", "'pair' gives a tuple"),
        ("layer4", r"'layer4' is none of Aside's; .* \['twice', 'never', 'lost'\]"),
        ("", "'' is none of Aside's"),
    ],
)
def test_a_layer_without_one_map_is_refused_and_the_model_left(layer, sentence):
    model = Aside()
    before = state_of(model)
    with pytest.raises(ExplanationError, match=sentence):
        GradCam(layer=layer)(model, IMAGES, TARGETS, KEYS)
    assert state_of(model) == before


def test_a_layer_of_vectors_and_a_model_without_convolutions_are_refused():
    with pytest.raises(ExplanationError, match=r"'8' gives \[5, 3\] for 5 images"):
        GradCam(layer="8")(small_network(classes=3), IMAGES, TARGETS, KEYS)
    with pytest.raises(
        ExplanationError, match="there is none; name the layer yourself as 'layer', any module below: 0, 1"
    ):
        GradCam()(nn.Sequential(nn.Flatten(), nn.Linear(768, 3)), IMAGES, TARGETS, KEYS)


def test_its_layer_is_decided_once_and_named():
    model = small_network(classes=3)
    settled = GradCam().settled(model, IMAGES)
    assert (settled.layer, settled.notes()) == ("5", ("The maps are of the layer 5.",))
    assert GradCam(layer="2").settled(model, IMAGES).layer == "2"
    assert torch.equal(settled(model, IMAGES, TARGETS, KEYS), GradCam()(model, IMAGES, TARGETS, KEYS))
    held = SmoothGrad(base=GradCam(), samples=2).settled(model, IMAGES)
    assert (held.base.layer, held.notes()) == ("5", ("The maps are of the layer 5.",))
    ours = build_classifier(NetworkRecipe(width=0.0625), 2, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), 0)
    assert GradCam().settled(ours, IMAGES).layer == "network.layer4"


def test_a_foreign_classifier_that_was_not_looked_at_yet_is_looked_at_now():
    model = Classifier(small_network(classes=3), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    assert GradCam().settled(model, IMAGES).layer == "network.5"
