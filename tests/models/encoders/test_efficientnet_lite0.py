"""The wheel's EfficientNet-Lite0: stored values, a second forward, and classes of photographs."""

import numpy as np
import pytest
import torch
from skimage import data
from torch.nn import functional as F

from tasks.embedding.admission import check_encoder
from tasks.models.efficientnet_lite import STAGES
from tasks.models.encoders.efficientnet_lite0 import PACKAGE, EfficientnetLite0
from tasks.models.errors import ModelError
from tasks.models.published_weights import read_published

DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

STORED = {
    0: 0.795129,
    1: 0.0,
    2: 2.290331,
    21: 0.011399,
    31: 2.148651,
    32: 0.009969,
    34: 0.25423,
    39: 0.02505,
}
MEAN = 0.126429325
"""Features of the first image by their number, and the mean of both images'."""


@pytest.fixture(scope="module")
def encoder():
    return EfficientnetLite0()


@pytest.fixture(scope="module")
def network(encoder):
    return encoder.build()


def images(count=1):
    return torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def test_features_are_those_of_the_authors_program(network):
    """efficientnet_lite_pytorch 0.1.0 gave these with a difference of 0."""
    with torch.no_grad():
        features = network(images(2))
    assert features.shape == (2, 1280)
    stored = torch.tensor(list(STORED.values()))
    torch.testing.assert_close(features[0, list(STORED)], stored, atol=1e-5, rtol=0)
    assert float(features.double().mean()) == pytest.approx(MEAN, abs=1e-6)


def padded(x, weight, stride, groups=1):
    kernel, length = weight.shape[-1], x.shape[-1]
    more = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    before = more // 2
    return F.conv2d(F.pad(x, [before, more - before] * 2), weight, stride=stride, groups=groups)


def second_forward(w, x):
    """The same from the published names, with normalisation written out."""

    def normed(y, name):
        scale = w[f"{name}.weight"] / (w[f"{name}.running_var"] + 1e-3).sqrt()
        shift = w[f"{name}.bias"] - w[f"{name}.running_mean"] * scale
        return y * scale[:, None, None] + shift[:, None, None]

    x = (x * 255 - 127) / 128
    x = normed(padded(x, w["_conv_stem.weight"], 2), "_bn0").clamp(0, 6)
    number = 0
    for count, _, _, stride, _ in STAGES:
        for repeat in range(count):
            name, y = f"_blocks.{number}", x
            if f"{name}._expand_conv.weight" in w:
                y = normed(F.conv2d(y, w[f"{name}._expand_conv.weight"]), f"{name}._bn0").clamp(0, 6)
            depthwise = w[f"{name}._depthwise_conv.weight"]
            y = padded(y, depthwise, stride if repeat == 0 else 1, groups=len(depthwise))
            y = normed(y, f"{name}._bn1").clamp(0, 6)
            y = normed(F.conv2d(y, w[f"{name}._project_conv.weight"]), f"{name}._bn2")
            x = x + y if repeat > 0 else y
            number += 1
    return normed(F.conv2d(x, w["_conv_head.weight"]), "_bn1").clamp(0, 6).mean((2, 3))


def test_a_second_forward_agrees(encoder, network):
    w = read_published(encoder.file, "the wheel")
    with torch.no_grad():
        torch.testing.assert_close(network(images()), second_forward(w, images()), atol=1e-4, rtol=1e-4)


CAT, CUP = {281, 282, 285}, {967, 968}


@pytest.mark.parametrize(("photo", "classes"), [("chelsea", CAT), ("coffee", CUP)])
def test_the_head_of_the_wheel_names_what_a_photograph_shows(encoder, network, photo, classes):
    w = read_published(encoder.file, "the wheel")
    picture = getattr(data, photo)()
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    square = np.ascontiguousarray(picture[top : top + side, left : left + side])
    tile = torch.from_numpy(square).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        chances = (network(tile) @ w["_fc.weight"].T + w["_fc.bias"]).softmax(1)[0]
    assert float(chances[list(classes)].sum()) > 0.8


def test_it_says_what_it_is_and_takes_any_tile(encoder):
    facts = encoder.facts()
    assert (facts.name, facts.digest) == ("efficientnet_lite0", DIGEST)
    assert facts.licence.startswith("Apache-2.0")
    assert encoder.recipe() == {"name": "efficientnet_lite0", "size": 224}
    assert check_encoder(encoder, 50, 2.0) == 1280


def test_the_wheel_is_located_nowhere_else_and_a_file_from_the_study(tmp_path, encoder):
    assert encoder.located(tmp_path).files() == encoder.files()
    own = EfficientnetLite0(weights="w.pth").located(tmp_path)
    assert own.files() == {"weights": tmp_path.resolve() / "w.pth"}
    assert own.recipe() == encoder.recipe()


def test_without_the_wheel_the_path_says_which_is_missing(monkeypatch):
    monkeypatch.setattr("tasks.models.encoders.efficientnet_lite0.find_spec", lambda name: None)
    absent = EfficientnetLite0()
    assert absent.file.parts[0] == PACKAGE
    with pytest.raises(ModelError, match="is not a file"):
        absent.build()
