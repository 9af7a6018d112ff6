"""The LRP explainer."""

import pytest
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.explainers.base import ExplanationError
from tasks.explainers.lrp import Lrp
from tasks.functional.gradients import input_gradient, target_margin
from tasks.models.blocks import SafeBlock
from tasks.models.classifier import Classifier, build_classifier
from tasks.models.convert import to_monai
from tasks.models.recipe import NetworkRecipe
from tests._support.dense_relevance import residual_relevance
from tests._support.small_networks import small_network, state_of

COUNT = 5
KEYS = torch.arange(COUNT)


def uniform(*shape: int) -> Tensor:
    """Return the same numbers in every run: of others a neuron may lie on the edge of its ReLU."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


IMAGES = uniform(COUNT, 3, 16, 16)
TARGETS = torch.tensor([1, 0, 1, 1, 0])
PLAIN = Lrp(gamma=0, epsilon=0, first_layer="epsilon")
RECIPE = NetworkRecipe(width=0.0625)


def classifier(shifts: bool, seed: int = 0) -> Classifier:
    """A classifier whose BatchNorms have seen something, with or without terms that depend on no input."""
    model = build_classifier(RECIPE, 2, (0.8, 0.6, 0.7), (0.1, 0.2, 0.1), seed).eval()
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.weight.data.uniform_(-0.5, 1.5, generator=generator)
            if shifts:
                module.running_mean.normal_(generator=generator)
                module.bias.data.normal_(generator=generator)
    return model


def margins(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    with torch.no_grad():
        return target_margin(model(images), targets)


# Two pixels (1, 1/2); two neurons of weights (2, -2) and (-1, 3), so of values 1 and 1/2; margin 3 a - 2 b.
PIXELS = torch.tensor([[[[1.0, 0.5]]]])
HAND = {
    ("epsilon", 0.0): (8.0, -6.0),
    ("z_box", 0.0): (2.0, 0.0),
    ("w_squared", 0.0): (1.4, 0.6),
    ("flat", 0.0): (1.0, 1.0),
    ("epsilon", 1.0): (22 / 9, -5 / 3),
}


def two_neurons() -> nn.Sequential:
    layers = (nn.Conv2d(1, 2, (1, 2), bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(2, 2, bias=False))
    layers[0].weight.data = torch.tensor([[2.0, -2.0], [-1.0, 3.0]]).view(2, 1, 1, 2)
    layers[3].weight.data = torch.tensor([[0.0, 0.0], [3.0, -2.0]])
    return nn.Sequential(*layers)


@pytest.mark.parametrize(("rule", "epsilon"), HAND)
def test_the_rules_of_the_first_layer_and_epsilon_by_hand(rule, epsilon):
    maps = Lrp(epsilon=epsilon, first_layer=rule)(two_neurons(), PIXELS, torch.tensor([1]), KEYS[:1])
    torch.testing.assert_close(maps[0, 0], torch.tensor(HAND[rule, epsilon]))


def test_gamma_by_hand():
    """Behind a layer that only hands on: weights (4, -2), (-1, 6) give 3 (4, -1) / 3 and -(-1, 3) / 2."""
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), *two_neurons())
    model[0].weight.data.fill_(1)
    maps = Lrp(gamma=1, epsilon=0)(model, PIXELS, torch.tensor([1]), KEYS[:1])
    torch.testing.assert_close(maps[0, 0], torch.tensor([4.5, -2.5]))


def test_without_gamma_and_epsilon_it_is_gradient_times_input():
    model = small_network()
    maps = PLAIN(model, IMAGES, TARGETS, KEYS)
    model.eval()
    torch.testing.assert_close(maps, (input_gradient(model, IMAGES, TARGETS) * IMAGES).sum(1))


def test_of_a_classifier_that_is_by_the_normalised_input():
    model, images = classifier(shifts=True), uniform(COUNT, 3, 32, 32)
    given = (images - model.mean) / model.std
    known = (input_gradient(model.network, given, TARGETS) * given).sum(1)
    torch.testing.assert_close(PLAIN(model, images, TARGETS, KEYS), known)


class Flat(nn.Module):
    """Two convolutions, a max pool and one output."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, stride=2)
        self.relu1, self.relu2, self.pool = nn.ReLU(), nn.ReLU(), nn.MaxPool2d(2)
        self.head = nn.Linear(72, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return [B, outputs]."""
        maps = self.pool(self.relu2(self.conv2(self.relu1(self.conv1(images)))))
        logits: Tensor = self.head(maps.flatten(1))
        return logits


@pytest.mark.parametrize("epsilon", [1e-9, 1e-3])
def test_with_the_epsilon_rule_alone_it_agrees_with_captum(epsilon):
    torch.manual_seed(2)
    model, single = Flat(3), Flat(1)
    state = model.state_dict()
    for key in ("head.weight", "head.bias"):
        state[key] = (state[key][1] - (state[key][0] + state[key][2]) / 2)[None]
    single.load_state_dict(state)
    for module in (single.conv1, single.conv2, single.pool, single.head):
        module.rule = EpsilonRule(1e-9 if module is single.pool else epsilon)
    theirs = LRP(single).attribute(IMAGES, target=0).sum(1)
    ours = Lrp(gamma=0, epsilon=epsilon, first_layer="epsilon")
    torch.testing.assert_close(ours(model, IMAGES, torch.ones_like(TARGETS), KEYS), theirs.detach())


class Residual(nn.Module):
    """A stem, a block with a projection and one without, and a head; all with shifts."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_norm, self.act = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()
        down = nn.Sequential(nn.Conv2d(4, 5, 1, 2, bias=False), nn.BatchNorm2d(5))
        self.wide, self.same = SafeBlock(4, 5, stride=2, downsample=down), SafeBlock(5, 5)
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(5, 3)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
                module.weight.data.normal_()
                module.bias.data.normal_()

    def forward(self, images: Tensor) -> Tensor:
        """Return [B, 3]."""
        maps = self.same(self.wide(self.act(self.stem_norm(self.stem(images)))))
        logits: Tensor = self.head(self.pool(maps).flatten(1))
        return logits


@pytest.mark.parametrize("rule", ["epsilon", "z_box"])
@pytest.mark.parametrize("gamma", [0.0, 0.25, 2.0])
def test_residual_blocks_agree_with_the_rules_written_out_densely(gamma, rule):
    """The share that shifts absorb is what the map lacks of the margin, to the last digit."""
    torch.manual_seed(3)
    model, images = Residual().double().eval(), uniform(3, 3, 6, 6).double()
    targets = torch.tensor([2, 0, 1])
    known, absorbed = residual_relevance(model, images, targets, gamma, rule == "z_box")
    ours = Lrp(gamma=gamma, epsilon=0, first_layer=rule)(model, images, targets, KEYS[:3])
    torch.testing.assert_close(ours, known.sum(1))
    torch.testing.assert_close(ours.sum((1, 2)) + absorbed, margins(model, images, targets))
    assert (absorbed.abs() > 0.01).all()


@pytest.mark.parametrize("rule", ["z_box", "w_squared", "flat", "epsilon"])
@pytest.mark.parametrize("gamma", [0.25, 10.0])
def test_without_shifts_the_map_sums_to_the_margin(gamma, rule):
    model, images = classifier(shifts=False).double(), uniform(COUNT, 3, 16, 16).double()
    maps = Lrp(gamma=gamma, epsilon=0, first_layer=rule)(model, images, TARGETS, KEYS)
    torch.testing.assert_close(maps.sum((1, 2)), margins(model, images, TARGETS), rtol=1e-6, atol=1e-9)


def test_pixels_beyond_white_keep_the_sum():
    """Noise over a white tile leaves the box of [0, 1]; shares of both signs would have no bound."""
    model = classifier(shifts=False).double()
    images = 1 + 0.1 * torch.randn(COUNT, 3, 32, 32, dtype=torch.float64)
    maps = Lrp(epsilon=0)(model, images, TARGETS, KEYS)
    torch.testing.assert_close(maps.sum((1, 2)), margins(model, images, TARGETS), rtol=1e-6, atol=1e-9)


def test_a_first_layer_of_groups_is_its_groups_side_by_side():
    """A convolution of three groups is one of a block matrix."""
    grouped = nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU(), nn.Flatten(), nn.Linear(1176, 2))
    whole = nn.Sequential(nn.Conv2d(3, 6, 3), *grouped[1:])
    whole[0].weight.data.zero_()
    for out in range(6):
        whole[0].weight.data[out, out // 2] = grouped[0].weight.data[out, 0]
    whole[0].bias.data = grouped[0].bias.data
    maps = Lrp()(grouped, IMAGES, TARGETS, KEYS)
    torch.testing.assert_close(maps, Lrp()(whole, IMAGES, TARGETS, KEYS))


def test_a_dense_first_layer_has_a_box_as_well():
    dense = nn.Sequential(nn.Flatten(), nn.Linear(768, 4), nn.ReLU(), nn.Linear(4, 2))
    folded = nn.Sequential(nn.Conv2d(3, 4, 16), nn.Flatten(), *dense[2:])
    folded[0].weight.data = dense[1].weight.data.view(4, 3, 16, 16)
    folded[0].bias.data = dense[1].bias.data
    maps = Lrp()(dense, IMAGES, TARGETS, KEYS)
    torch.testing.assert_close(maps, Lrp()(folded, IMAGES, TARGETS, KEYS))


class Normalised(nn.Module):
    """Another network behind a normalisation that is no module."""

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network, self.mean, self.std = network, mean.view(3, 1, 1), std.view(3, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the network's logits of normalised images."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits


def test_the_box_is_that_of_pixels_whatever_the_normalisation():
    """Also where it turns dark into light: the network's own first layer then has turned weights."""
    mean, std = torch.tensor([0.8, 0.6, 0.7]), torch.tensor([0.1, -0.2, 0.3])
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, 2))
    folded = nn.Sequential(nn.Conv2d(3, 4, 3), *inner[1:])
    folded[0].weight.data = inner[0].weight.data / std.view(3, 1, 1)
    folded[0].bias.data = inner[0].bias.data - (folded[0].weight.data * mean.view(3, 1, 1)).sum((1, 2, 3))
    maps = Lrp()(Normalised(inner, mean, std), IMAGES, TARGETS, KEYS)
    torch.testing.assert_close(maps, Lrp()(folded, IMAGES, TARGETS, KEYS), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_relevance_stays_of_the_size_of_the_margin(seed):
    """In-place blocks gave 1e13; dividing by each layer's own output gives what its worst neuron likes."""
    model, images = classifier(shifts=True, seed=seed), uniform(COUNT, 3, 32, 32)
    with torch.no_grad():
        head = model.network.fc(model.network.avgpool(model.features(images)).flatten(1)).abs().sum(1)
    for gamma in (0.25, 10.0):
        maps = Lrp(gamma=gamma)(model, images, TARGETS, KEYS)
        assert (maps.abs().sum((1, 2)) < 100 * head).all()


def difference(shift: float) -> nn.Sequential:
    """Two pixels handed on as they are, one neuron of their difference and a shift, its value the margin."""
    layers = (nn.Conv2d(2, 2, 1, bias=False), nn.ReLU(), nn.Conv2d(2, 1, 1, bias=False), nn.BatchNorm2d(1))
    layers[0].weight.data = torch.eye(2).view(2, 2, 1, 1)
    layers[2].weight.data = torch.tensor([1.0, -1.0]).view(1, 2, 1, 1)
    layers[3].bias.data.fill_(shift)
    layers[3].running_var.fill_(1 - layers[3].eps)
    head = nn.Linear(1, 2, bias=False)
    head.weight.data = torch.tensor([[0.0], [1.0]])
    return nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), head)


@pytest.mark.parametrize(
    ("second", "shift", "gamma", "known"),
    [
        (1 - 2**-20, 0.0, 1.0, (2**-19, -(2**-20))),
        (1.0, 2**-20, 1.0, (2**-19, -(2**-20))),
        (1.0, 1.0, 0.0, (1.0, -1.0)),
        (1.0, 1.0, 1.0, (2 / 3, -1 / 3)),
    ],
    ids=["barely on", "on by its shift", "all of the shift", "boosted"],
)
def test_contributions_that_cancel_leave_nothing_large(second, shift, gamma, known):
    """The layer before the BatchNorm gives (almost) 0, by which a rule for it alone would divide."""
    images = torch.tensor([1.0, second]).view(1, 2, 1, 1)
    explainer = Lrp(gamma=gamma, epsilon=0, first_layer="epsilon")
    ones = torch.ones(1, dtype=torch.int64)
    assert explainer(difference(shift), images, ones, KEYS[:1]).item() == pytest.approx(
        sum(known), rel=1e-4, abs=1e-12
    )
    sizes = explainer.model_copy(update={"reduce": "abs_mean"})(difference(shift), images, ones, KEYS[:1])
    assert 2 * sizes.item() == pytest.approx(known[0] - known[1], rel=1e-4)


class Wired(nn.Module):
    """A small network whose last step before the head is for each test to say."""

    def __init__(self, middle: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1, self.conv2, self.act = nn.Conv2d(3, 4, 3, 2), nn.Conv2d(4, 4, 1), nn.ReLU()
        self.middle = middle or nn.Identity()
        self.head = nn.Linear(4, 2)
        generator = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data.uniform_(-0.5, 0.5, generator=generator)

    def stem(self, images: Tensor) -> Tensor:
        """Return the first maps."""
        maps: Tensor = self.act(self.conv1(images))
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """Return [B, 2]."""
        first = self.stem(images)
        logits: Tensor = self.head(self.middle(self.join(first, self.conv2(first))).mean((2, 3)))
        return logits

    def join(self, first: Tensor, second: Tensor) -> Tensor:
        """Return what follows of the first maps and of the second layer's output."""
        joined: Tensor = self.act(second + first)
        return joined


class SumModule(Wired):
    """The residual sum as a module, and a ReLU for each call."""

    class Sum(nn.Module):
        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return left + right

    def __init__(self) -> None:
        super().__init__()
        self.sum, self.other = self.Sum(), nn.ReLU()

    def join(self, first: Tensor, second: Tensor) -> Tensor:
        return self.other(self.sum(second, first))


def test_sums_that_are_no_module_and_a_reused_relu_are_right():
    model, modular = Wired(), SumModule()
    modular.load_state_dict(model.state_dict())
    maps = Lrp()(model, IMAGES, TARGETS, KEYS)
    assert torch.equal(maps, Lrp()(modular, IMAGES, TARGETS, KEYS))


class SigmoidCall(Wired):
    def join(self, first: Tensor, second: Tensor) -> Tensor:
        return self.act(torch.sigmoid(second))


class ReluCall(Wired):
    def join(self, first: Tensor, second: Tensor) -> Tensor:
        return F.relu(second)


class InPlaceSum(Wired):
    def join(self, first: Tensor, second: Tensor) -> Tensor:
        second += first
        return self.act(second)


class Gate(Wired):
    def join(self, first: Tensor, second: Tensor) -> Tensor:
        return self.act(second) * first


class Twice(Wired):
    def join(self, first: Tensor, second: Tensor) -> Tensor:
        return self.act(self.conv2(self.act(second)))


class PastTheLast(Wired):
    def join(self, first: Tensor, second: Tensor) -> Tensor:
        return self.act(second) + second


class SecondEntry(Wired):
    def forward(self, images: Tensor) -> Tensor:
        return self.head(F.adaptive_avg_pool2d(self.stem(images), 1).flatten(1)) + images.mean((2, 3))[:, :2]


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, values: Tensor) -> Tensor:
        return values * self.scale


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (Wired(nn.Sigmoid()), "no rule for 'middle', a Sigmoid"),
        (Wired(nn.LayerNorm(7)), "no rule for 'middle', a LayerNorm"),
        (Wired(nn.MultiheadAttention(4, 2)), "no rule for 'middle', a MultiheadAttention"),
        (Wired(Scaled()), "no rule for 'middle', a Scaled"),
        (Wired(nn.ReLU(inplace=True)), "'middle' works in place"),
        (Wired(nn.BatchNorm2d(4, track_running_stats=False)), "'middle' has no running statistics"),
        (Wired(nn.BatchNorm2d(4, affine=False)), "'middle' has no running statistics or no weights"),
        (SigmoidCall(), "SigmoidCall calls 'sigmoid' outside of a module"),
        (ReluCall(), "calls 'relu' outside"),
        (InPlaceSum(), "calls 'add_' outside"),
        (Gate(), "calls 'mul' outside"),
        (Twice(), "'conv2' is called twice"),
        (PastTheLast(), "before the last ReLU reaches the logits past it"),
        (SecondEntry(), "reach the logits past the first layer 'conv1'"),
        (nn.Sequential(nn.AvgPool2d(2), Wired()), r"first layer '1.conv1' reads \[5, 3, 8, 8\]"),
        (nn.Sequential(nn.Flatten(), nn.Identity()), "no Conv2d and no Linear in Sequential"),
        (to_monai(classifier(shifts=True), RECIPE), "works in place"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_has_no_rule_is_refused_by_name_and_the_model_left(model, sentence):
    before = state_of(model)
    with pytest.raises(ExplanationError, match=sentence):
        Lrp()(model, IMAGES, TARGETS, KEYS)
    assert state_of(model) == before
