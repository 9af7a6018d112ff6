"""Weights of vision transformers under the names of :class:`tasks.models.vit.VisionTransformer`.

Three layouts are read: timm's, the original one of DINOv2 and the one of transformers (ViT and DINOv2). Each
is told by its names, never by the name of its file.
"""

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from tasks.models.vit import VitShape

Names = tuple[tuple[str, str], ...]
"""Rules of renaming: a regular expression for the start or the whole of a name, and what replaces it."""

_IGNORED = re.compile(r"(mask_token$|embeddings\.mask_token$|pooler\.|(\w+_)?head\.)")
"""What a file may hold beside the encoder: it takes no part in the features."""

_DINOV2: Names = (
    (r"^register_tokens$", "reg_token"),
    (r"^blocks\.\d+\.(\d+)\.", r"blocks.\1."),
    (r"\.mlp\.w12\.", ".mlp.fc1."),
    (r"\.mlp\.w3\.", ".mlp.fc2."),
)
"""Blocks may come in chunks, each numbered on from the chunk before."""

_TRANSFORMERS: Names = (
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.register_tokens$", "reg_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^layernorm\.", "norm."),
    (r"^encoder\.layer\.(\d+)\.", r"blocks.\1."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"(blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
    (r"\.mlp\.weights_in\.", ".mlp.fc1."),
    (r"\.mlp\.weights_out\.", ".mlp.fc2."),
)

_APART = re.compile(r"^(blocks\.\d+)\.attention\.attention\.(query|key|value)\.(weight|bias)$")
_PREFIXES = ("backbone.", "teacher.", "vit.", "dinov2.", "model.", "module.")


def timm_names(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights under timm's names, without heads and mask tokens.

    Names that no rule speaks of stay as they are, so whoever compares them with a network says which.
    """
    bare = {_without_prefix(name): value for name, value in given.items()}
    foreign = any(name.startswith("embeddings.") for name in bare)
    renamed = {
        _renamed(name, _TRANSFORMERS if foreign else _DINOV2): value
        for name, value in bare.items()
        if not _IGNORED.match(name)
    }
    return _joined(renamed)


def _without_prefix(name: str) -> str:
    while name.startswith(_PREFIXES):
        name = name.partition(".")[2]
    return name


def _renamed(name: str, rules: Names) -> str:
    for pattern, put in rules:
        name = re.sub(pattern, put, name)
    return name


def _joined(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put the matrices of queries, keys and values on top of each other, as timm has them."""
    joined: dict[str, Tensor] = {}
    apart: dict[str, dict[str, Tensor]] = {}
    for name, value in weights.items():
        found = _APART.match(name)
        if found is None:
            joined[name] = value
        else:
            apart.setdefault(f"{found[1]}.attn.qkv.{found[3]}", {})[found[2]] = value
    for name, three in apart.items():
        if three.keys() == {"query", "key", "value"}:
            joined[name] = torch.cat([three["query"], three["key"], three["value"]])
    return joined


_DINOV2_OFFSET = 0.1
"""What DINOv2 adds to the number of patches before it resizes positions without smoothing."""


def resized_positions(positions: Tensor, shape: VitShape, *, smooth: bool) -> Tensor:
    """Return positions for images of ``shape.size``, as DINOv2 makes them of those that it was trained with.

    Args:
        positions: [1, 1 + g * g, D], the first of the class token, the others row by row.
        shape: of the network.
        smooth: as the releases with registers do, with smoothing and without an offset.

    Returns:
        [1, 1 + patches, D]; ``positions`` itself where they fit or are of no square.
    """
    first, rest = positions[:, :1], positions[:, 1:]
    had, wanted = math.isqrt(rest.shape[1]), shape.size // shape.token_px
    if had == wanted or had * had != rest.shape[1]:
        return positions
    grid = rest.reshape(1, had, had, -1).permute(0, 3, 1, 2)
    if smooth:
        grid = F.interpolate(grid, size=(wanted, wanted), mode="bicubic", antialias=True)
    else:
        scale = (wanted + _DINOV2_OFFSET) / had
        grid = F.interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([first, grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)
