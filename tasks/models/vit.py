"""One plain vision transformer, with the names that timm gives its weights, so that published files fit.

It covers what encoders of pathology differ in: registers, gated layers (SwiGLU), scaled branches, and which
tokens have a position. Weights under other names are renamed by :mod:`tasks.models.vit_names`.
"""

from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

Positions = Literal["patches", "cls", "all"]
"""Which tokens have a position: the patches, the class token too, or registers as well."""


class VitShape(BaseModel):
    """The sizes of a vision transformer.

    Attributes:
        size: side of the images in pixels. Positions fit this size alone.
        token_px: side in pixels of the square (patch) that a token stands for; ``size`` is a multiple of it.
        dim: width of a token, a multiple of ``heads``.
        depth: blocks.
        heads: of the attention in each block.
        hidden: width of the layer inside a block. With ``gated`` it is the width after the gate.
        gated: whether a block multiplies one half of its layer by SiLU of the other (SwiGLU), in place of
            GELU.
        scaled: whether the two branches of a block have a factor per channel (LayerScale).
        registers: further tokens that belong to no patch.
        positions: which tokens have one.
        eps: of every layer normalisation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(default=224, ge=1)
    token_px: int = Field(ge=1)
    dim: int = Field(ge=1)
    depth: int = Field(ge=1)
    heads: int = Field(ge=1)
    hidden: int = Field(ge=1)
    gated: bool = False
    scaled: bool = True
    registers: int = Field(default=0, ge=0)
    positions: Positions = "cls"
    eps: float = Field(default=1e-6, gt=0)

    @model_validator(mode="after")
    def _divides(self) -> Self:
        for whole, of in (("size", "token_px"), ("dim", "heads")):
            if getattr(self, whole) % getattr(self, of):
                raise ValueError(f"{whole} {getattr(self, whole)} is no multiple of {of} {getattr(self, of)}")
        return self

    @property
    def squares(self) -> int:
        """How many squares an image has."""
        return (self.size // self.token_px) ** 2

    @property
    def positioned(self) -> int:
        """How many tokens have a position."""
        return self.squares + {"patches": 0, "cls": 1, "all": 1 + self.registers}[self.positions]


class VisionTransformer(nn.Module):
    """Maps normalised images [B, 3, size, size] to tokens [B, 1 + registers + patches, dim].

    The first token is the class token; patches come last, row by row.

    Example:
        >>> import torch
        >>> from tasks.models.vit import VisionTransformer, VitShape
        >>> shape = VitShape(size=8, token_px=4, dim=6, depth=1, heads=2, hidden=12, registers=3)
        >>> VisionTransformer(shape)(torch.zeros(2, 3, 8, 8)).shape
        torch.Size([2, 8, 6])
    """

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.shape = shape
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.dim))
        if shape.registers:
            self.reg_token = nn.Parameter(torch.zeros(1, shape.registers, shape.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, shape.positioned, shape.dim))
        self.patch_embed = TokenEmbed(shape)
        self.blocks = nn.ModuleList([VitBlock(shape) for _ in range(shape.depth)])
        self.norm = nn.LayerNorm(shape.dim, eps=shape.eps)

    def forward(self, images: Tensor) -> Tensor:
        """Return the tokens, normalised."""
        tokens = self._positioned(self.patch_embed(images))
        for block in self.blocks:
            tokens = block(tokens)
        normalised: Tensor = self.norm(tokens)
        return normalised

    def _positioned(self, patches: Tensor) -> Tensor:
        """Return all tokens with the positions that they have."""
        count, positions = len(patches), self.pos_embed
        first = self.cls_token.expand(count, -1, -1)
        registers = [self.reg_token.expand(count, -1, -1)] if self.shape.registers else []
        if self.shape.positions == "all":
            return torch.cat([first, *registers, patches], dim=1) + positions
        if self.shape.positions == "patches":
            return torch.cat([first, *registers, patches + positions], dim=1)
        return torch.cat([first + positions[:, :1], *registers, patches + positions[:, 1:]], dim=1)


class TokenEmbed(nn.Module):
    """Maps images to one vector per patch, row by row."""

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, shape.dim, shape.token_px, stride=shape.token_px)

    def forward(self, images: Tensor) -> Tensor:
        """Return [B, patches, dim]."""
        maps: Tensor = self.proj(images)
        return maps.flatten(2).transpose(1, 2)


class VitBlock(nn.Module):
    """Attention and a layer per token, each added to what came in."""

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.dim, eps=shape.eps)
        self.attn = VitAttention(shape)
        self.ls1 = ChannelFactor(shape.dim) if shape.scaled else nn.Identity()
        self.norm2 = nn.LayerNorm(shape.dim, eps=shape.eps)
        self.mlp = VitLayer(shape)
        self.ls2 = ChannelFactor(shape.dim) if shape.scaled else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens [B, T, dim] to as many."""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        result: Tensor = tokens + self.ls2(self.mlp(self.norm2(tokens)))
        return result


class VitAttention(nn.Module):
    """Attention of several heads; queries, keys and values come from one matrix."""

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.dim, 3 * shape.dim)
        self.proj = nn.Linear(shape.dim, shape.dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens [B, T, dim] to as many."""
        batch, count, dim = tokens.shape
        split = self.qkv(tokens).reshape(batch, count, 3, self.heads, dim // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        result: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, count, dim))
        return result


class ChannelFactor(nn.Module):
    """One factor per channel."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the tokens, each channel multiplied."""
        return tokens * self.gamma


class VitLayer(nn.Module):
    """A layer with GELU or, gated, with SiLU of the first half times the second."""

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.gated = shape.gated
        self.fc1 = nn.Linear(shape.dim, shape.hidden * (2 if shape.gated else 1))
        self.fc2 = nn.Linear(shape.hidden, shape.dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens [B, T, dim] to as many."""
        inner: Tensor = self.fc1(tokens)
        if self.gated:
            gate, rest = inner.chunk(2, dim=-1)
            inner = F.silu(gate) * rest
        else:
            inner = F.gelu(inner)
        result: Tensor = self.fc2(inner)
        return result
