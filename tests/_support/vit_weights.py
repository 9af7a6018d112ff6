"""Small vision transformers of the published kinds, and weights for them that depend on names alone."""

import hashlib
import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from tasks.models.vit import VisionTransformer, VitShape

SHAPES = {
    "uni": VitShape(size=32, token_px=16, dim=48, depth=2, heads=4, hidden=192),
    "uni2_h": VitShape(
        size=28,
        token_px=14,
        dim=48,
        depth=2,
        heads=3,
        hidden=128,
        gated=True,
        registers=8,
        positions="patches",
    ),
    "virchow2": VitShape(
        size=28, token_px=14, dim=64, depth=2, heads=4, hidden=171, gated=True, registers=4, positions="all"
    ),
    "h_optimus": VitShape(
        size=42,
        token_px=14,
        dim=48,
        depth=2,
        heads=4,
        hidden=128,
        gated=True,
        registers=4,
        positions="patches",
    ),
    "prov_gigapath": VitShape(size=48, token_px=16, dim=48, depth=2, heads=4, hidden=128, gated=True),
    "lunit_s8": VitShape(size=24, token_px=8, dim=48, depth=2, heads=6, hidden=192, scaled=False),
    "phikon": VitShape(size=32, token_px=16, dim=48, depth=2, heads=4, hidden=192, scaled=False, eps=1e-12),
    "phikon_v2": VitShape(size=32, token_px=16, dim=48, depth=2, heads=4, hidden=192),
    "dinov2_gated": VitShape(size=32, token_px=16, dim=48, depth=2, heads=4, hidden=128, gated=True),
}
"""One of each published kind, at reduced width and depth."""

OF_TRANSFORMERS = ("phikon", "phikon_v2", "dinov2_gated")
"""Those whose files have the names of transformers."""


def own_shapes(shape: VitShape) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight by its own name, which is timm's."""
    return {name: tuple(value.shape) for name, value in VisionTransformer(shape).state_dict().items()}


def filled(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return weights of these shapes: normal numbers, each tensor drawn from the hash of its name."""
    return {name: _drawn(name, shape) for name, shape in shapes.items()}


def _drawn(name: str, shape: tuple[int, ...]) -> Tensor:
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    drawn = 0.2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    factor = name.endswith(("gamma", "lambda1")) or ("norm" in name and name.endswith("weight"))
    return 1 + drawn if factor else drawn


def made_up_images(size: int) -> Tensor:
    """Return two images float32 [2, 3, size, size] of normal numbers."""
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(7))


def transformers_shapes(shape: VitShape) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight in the layout of transformers: DINOv2's where branches are scaled."""
    dim, inner = shape.dim, shape.hidden * (2 if shape.gated else 1)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.cls_token": (1, 1, dim),
        "embeddings.position_embeddings": (1, 1 + shape.squares, dim),
        "embeddings.patch_embeddings.projection.weight": (dim, 3, shape.token_px, shape.token_px),
        "embeddings.patch_embeddings.projection.bias": (dim,),
    }
    if shape.scaled:
        shapes["embeddings.mask_token"] = (1, dim)
    for block in range(shape.depth):
        name = f"encoder.layer.{block}"
        for which in ("query", "key", "value"):
            shapes |= _linear(f"{name}.attention.attention.{which}", dim, dim)
        shapes |= _linear(f"{name}.attention.output.dense", dim, dim)
        first, second = _layer_names(shape)
        shapes |= _linear(f"{name}.{first}", inner, dim) | _linear(f"{name}.{second}", dim, shape.hidden)
        norms = ("norm1", "norm2") if shape.scaled else ("layernorm_before", "layernorm_after")
        for norm in norms:
            shapes |= {f"{name}.{norm}.weight": (dim,), f"{name}.{norm}.bias": (dim,)}
        if shape.scaled:
            shapes |= {f"{name}.layer_scale{which}.lambda1": (dim,) for which in (1, 2)}
    return shapes | {"layernorm.weight": (dim,), "layernorm.bias": (dim,)}


def _layer_names(shape: VitShape) -> tuple[str, str]:
    if not shape.scaled:
        return "intermediate.dense", "output.dense"
    return ("mlp.weights_in", "mlp.weights_out") if shape.gated else ("mlp.fc1", "mlp.fc2")


def _linear(name: str, out: int, into: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def as_dinov2(weights: Mapping[str, Tensor], chunk: int) -> dict[str, Tensor]:
    """Return weights of ours under the original names of DINOv2, blocks in chunks of ``chunk``."""
    return dict(_as_dinov2(weights.items(), chunk)) | {
        "mask_token": torch.zeros(1, 4),
        "teacher.dino_head.mlp.0.weight": torch.zeros(2, 4),
    }


def _as_dinov2(weights: Iterable[tuple[str, Tensor]], chunk: int) -> Iterable[tuple[str, Tensor]]:
    for name, value in weights:
        named = name.replace("reg_token", "register_tokens")
        named = named.replace("mlp.fc1", "mlp.w12").replace("mlp.fc2", "mlp.w3")
        found = re.match(r"blocks\.(\d+)\.(.*)", named)
        if found is not None:
            named = f"blocks.{int(found[1]) // chunk}.{found[1]}.{found[2]}"
        yield f"teacher.backbone.{named}", value
