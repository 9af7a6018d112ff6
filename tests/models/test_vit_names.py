"""Weights of every layout get timm's names, and positions are resized as DINOv2 does."""

import pytest
import torch

from tasks.models.vit import VitShape
from tasks.models.vit_names import resized_positions, timm_names
from tests._support.vit_weights import SHAPES, as_dinov2, filled, own_shapes, transformers_shapes


def test_names_of_timm_stay():
    weights = filled(own_shapes(SHAPES["uni2_h"]))
    assert timm_names(weights) == weights


@pytest.mark.parametrize("chunk", [1, 2])
def test_the_original_names_of_dinov2_are_read_whatever_the_chunks(chunk):
    shape = VitShape(size=8, token_px=4, dim=4, depth=4, heads=2, hidden=6, gated=True, registers=3)
    weights = filled(own_shapes(shape))
    found = timm_names(as_dinov2(weights, chunk))
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


@pytest.mark.parametrize("name", ["phikon", "phikon_v2", "dinov2_gated"])
def test_names_of_transformers_become_those_of_the_network(name):
    given = filled(transformers_shapes(SHAPES[name]))
    found = timm_names(
        {f"vit.{key}": value for key, value in given.items()} | {"pooler.dense.bias": torch.ones(2)}
    )
    assert {key: tuple(value.shape) for key, value in found.items()} == own_shapes(SHAPES[name])
    three = [
        given[f"encoder.layer.1.attention.attention.{each}.weight"] for each in ("query", "key", "value")
    ]
    assert torch.equal(found["blocks.1.attn.qkv.weight"], torch.cat(three))


SHAPE = VitShape(size=12, token_px=4, dim=2, depth=1, heads=1, hidden=2)


@pytest.mark.parametrize("smooth", [True, False])
def test_flat_positions_stay_flat_and_fitting_ones_as_they_are(smooth):
    flat = torch.full((1, 26, 2), 3.0)
    resized = resized_positions(flat, SHAPE, smooth=smooth)
    torch.testing.assert_close(resized, torch.full((1, 10, 2), 3.0))
    fitting = torch.arange(20.0).view(1, 10, 2)
    assert resized_positions(fitting, SHAPE, smooth=smooth) is fitting


def cubic(distance):
    """Keys' cubic of torch: a = -0.75."""
    d, a = abs(distance), -0.75
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def by_hand(row, count):
    """One row resized with a cubic, at the scale that DINOv2 uses: count + 0.1 over what there is."""
    scale, found = len(row) / (count + 0.1), []
    for index in range(count):
        at = (index + 0.5) * scale - 0.5
        low = int(at // 1)
        near = range(low - 1, low + 3)
        found.append(sum(cubic(at - n) * row[min(max(n, 0), len(row) - 1)] for n in near))
    return torch.tensor(found)


def test_positions_are_resized_with_the_offset_of_dinov2():
    """The map is a product of a row and a column, so both can be resized by hand."""
    generator = torch.Generator().manual_seed(0)
    down, across = (torch.rand(5, generator=generator) for _ in range(2))
    grid = (down[:, None] * across).flatten()
    positions = torch.cat([torch.tensor([7.0]), grid]).view(1, 26, 1).expand(-1, -1, 2)
    resized = resized_positions(positions, SHAPE, smooth=False)
    expected = (by_hand(down.tolist(), 3)[:, None] * by_hand(across.tolist(), 3)).flatten()
    torch.testing.assert_close(resized[0, 1:, 0], expected, atol=1e-5, rtol=0)
    assert resized[0, 0].tolist() == [7.0, 7.0]
