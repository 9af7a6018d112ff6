"""The plain vision transformer equals timm and transformers on every published kind, and a second forward."""

import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from tasks.models.vit import VisionTransformer, VitShape
from tasks.models.vit_names import timm_names
from tests._support.vit_weights import (
    OF_TRANSFORMERS,
    SHAPES,
    filled,
    made_up_images,
    own_shapes,
    transformers_shapes,
)

VALUES = json.loads((Path(__file__).parent / "vit_values.json").read_text())
"""Tokens that timm and transformers gave for these shapes, weights and images: the class token of the first
image, the last patch of the second, and the mean square of all."""


def weights_of(name):
    shape = SHAPES[name]
    return filled(transformers_shapes(shape) if name in OF_TRANSFORMERS else own_shapes(shape))


def tokens_of(name):
    network = VisionTransformer(SHAPES[name]).eval()
    network.load_state_dict(timm_names(weights_of(name)))
    with torch.no_grad():
        return network(made_up_images(SHAPES[name].size))


@pytest.mark.parametrize("name", SHAPES)
def test_tokens_are_those_of_timm_and_transformers(name):
    tokens, stored = tokens_of(name), VALUES[name]
    assert tokens.shape == (2, 1 + SHAPES[name].registers + SHAPES[name].squares, SHAPES[name].dim)
    torch.testing.assert_close(tokens[0, 0, :5], torch.tensor(stored["cls"]), atol=1e-5, rtol=0)
    torch.testing.assert_close(tokens[1, -1, :5], torch.tensor(stored["last"]), atol=1e-5, rtol=0)
    assert float(tokens.double().pow(2).mean()) == pytest.approx(stored["mean of squares"], abs=1e-6)


def norm(tokens, weights, name, eps):
    mean = tokens.mean(-1, keepdim=True)
    spread = (tokens - mean).pow(2).mean(-1, keepdim=True)
    return (tokens - mean) / (spread + eps).sqrt() * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(tokens, weights, name):
    return tokens @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def gelu(x):
    return x * 0.5 * (1 + torch.erf(x / 2**0.5))


def attended(tokens, weights, name, heads):
    """Attention head by head with an explicit softmax."""
    q, k, v = linear(tokens, weights, f"{name}.qkv").chunk(3, dim=-1)
    width = q.shape[-1] // heads
    parts = []
    for head in range(heads):
        own = slice(head * width, (head + 1) * width)
        scores = (q[..., own] @ k[..., own].transpose(1, 2) / width**0.5).exp()
        parts.append(scores / scores.sum(-1, keepdim=True) @ v[..., own])
    return linear(torch.cat(parts, dim=-1), weights, f"{name}.proj")


def second_forward(images, w, shape):
    side = shape.size // shape.token_px
    squares = F.unfold(images, shape.token_px, stride=shape.token_px).transpose(1, 2)
    patches = squares @ w["patch_embed.proj.weight"].flatten(1).T + w["patch_embed.proj.bias"]
    assert patches.shape[1] == side * side
    head = [w["cls_token"].expand(len(images), -1, -1)]
    head += [w["reg_token"].expand(len(images), -1, -1)] if shape.registers else []
    tokens = torch.cat([*head, patches], dim=1)
    missing = {"patches": 1 + shape.registers, "cls": shape.registers, "all": 0}[shape.positions]
    places, at = w["pos_embed"][0], 0 if shape.positions == "patches" else 1
    places = torch.cat([places[:at], torch.zeros(missing, shape.dim), places[at:]])
    tokens = tokens + places
    for i in range(shape.depth):
        name = f"blocks.{i}"
        first = attended(norm(tokens, w, f"{name}.norm1", shape.eps), w, f"{name}.attn", shape.heads)
        tokens = tokens + first * w.get(f"{name}.ls1.gamma", 1)
        inner = linear(norm(tokens, w, f"{name}.norm2", shape.eps), w, f"{name}.mlp.fc1")
        half = shape.hidden
        inner = (
            inner[..., :half] * torch.sigmoid(inner[..., :half]) * inner[..., half:]
            if shape.gated
            else gelu(inner)
        )
        tokens = tokens + linear(inner, w, f"{name}.mlp.fc2") * w.get(f"{name}.ls2.gamma", 1)
    return norm(tokens, w, "norm", shape.eps)


@pytest.mark.parametrize("name", SHAPES)
def test_a_second_forward_with_an_explicit_softmax_agrees(name):
    expected = second_forward(made_up_images(SHAPES[name].size), timm_names(weights_of(name)), SHAPES[name])
    torch.testing.assert_close(tokens_of(name), expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"size": 30}, "size 30 is no multiple of token_px 16"),
        ({"heads": 5}, "dim 48 is no multiple of heads 5"),
    ],
)
def test_sizes_that_do_not_divide_are_refused(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        VitShape.model_validate({**SHAPES["uni"].model_dump(), **wrong})
