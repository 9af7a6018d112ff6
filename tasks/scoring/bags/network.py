"""A network of bags from outside, called as it wants to be."""

import inspect
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.pooled_terms import PooledTerms, pools
from tasks.models.door.ask import Admission
from tasks.models.door.ask_bags import ask_bag_network
from tasks.models.errors import ModelError
from tasks.scoring.errors import ScoringError

Takes = Literal["auto", "bags", "bag", "tiles"]
"""How a network is called: with features [B, N, D] and a mask [B, N]; with one bag [1, N, D]; with the tiles
of one bag [N, D]. ``auto``: as its arguments say, or what works."""

EMPTY = (
    "The network answers to at least one tile. In the place of an empty bag it is asked about one tile of "
    "zeros: that is the last point of each curve, the same for every order, so SRG does not depend on it."
)


class BroughtNetwork(nn.Module):
    """Logits [B, K] of features [B, N, D] with a mask [B, N], by a network that is called as ``takes`` says.

    The network works on copies. ``mean`` and ``std`` [D] are those of the given features: explainers that
    compare with a mean tile find them here.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, takes: Takes, logits: int | str | None, mean: Tensor, std: Tensor
    ) -> None:
        super().__init__()
        self.network, self.takes, self.logits = network, takes, logits
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    @property
    def is_pooled(self) -> bool:
        """Whether the network says its pooled terms, so that curves have a closed form."""
        return pools(self.network)

    def terms(self, features: Tensor, mask: Tensor) -> PooledTerms:
        """Return what the network says."""
        assert pools(self.network)
        return self.network.terms(features.clone(), mask)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, K]; those of an empty bag are those of one tile of zeros."""
        if self.is_pooled:
            answer: Tensor = self.network(features.clone(), mask)
            return answer
        if self.takes == "bags":
            empty = ~mask.any(1)
            first = torch.zeros_like(mask)
            first[:, 0] = empty
            answered = self.network(features.masked_fill(first[:, :, None], 0.0), mask | first)
            logits: Tensor = _picked(answered, self.logits)
            return logits
        return torch.cat(
            [
                self.of_tiles(bag[there] if there.any() else bag[:1] * 0)
                for bag, there in zip(features, mask, strict=True)
            ]
        )

    def of_tiles(self, tiles: Tensor) -> Tensor:
        """Return the logits [1, K] of one bag [N, D]."""
        return called(self.network, tiles.clone(), self.takes, self.logits)


def called(network: nn.Module, tiles: Tensor, takes: Takes, logits: int | str | None) -> Tensor:
    """Return what ``network`` says of the tiles [N, D] of one bag, as [1, K] where it is logits."""
    if takes == "bags":
        mask = torch.ones(1, len(tiles), dtype=torch.bool, device=tiles.device)
        answer = network(tiles[None], mask)
    else:
        answer = network(tiles[None] if takes == "bag" else tiles)
    found: Tensor = _picked(answer, logits)
    return found


def admitted_bags(
    network: nn.Module, tiles: Tensor, takes: Takes, logits: int | str | None
) -> tuple[Takes, Admission]:
    """Return how ``network`` is called, and what the door finds out with the tiles [N, D] of a bag.

    Raises:
        ScoringError: it can be called in no way, in two that differ, or does not answer as is relied on.
    """
    if not isinstance(network, nn.Module):
        raise ScoringError(f"the model is {type(network).__name__}; needed a torch.nn.Module")
    if takes not in get_args(Takes):
        raise ScoringError(f"takes is {takes!r}; allowed: {', '.join(get_args(Takes))}")
    ways = (takes,) if takes != "auto" else _ways(network)
    title = f"the model {type(network).__name__}"
    found: dict[Takes, Admission] = {}
    failed: list[str] = []
    for way in ways:
        try:
            asked = partial(called, network, takes=way, logits=logits)
            found[way] = ask_bag_network(network, asked, tiles, title)
        except ModelError as error:
            failed.append(str(error))
    if not found:
        raise ScoringError(failed[0])
    if len(found) > 1 and _answers_differ(network, tiles, tuple(found), logits):
        raise ScoringError(
            f"{title} takes one bag [1, N, D] and its tiles [N, D], and answers differently; say which is "
            "right (takes: bag or takes: tiles)"
        )
    return next(iter(found.items()))


def _ways(network: nn.Module) -> tuple[Takes, ...]:
    second = _arguments(network)[1:2]
    return ("bags",) if second and "mask" in second[0].lower() else ("bag", "tiles")


def _arguments(network: nn.Module) -> list[str]:
    if isinstance(network, torch.jit.ScriptModule):
        schema: Any = network.forward.schema  # type: ignore[attr-defined]  # torch does not type it
        return [argument.name for argument in schema.arguments if argument.name != "self"]
    return list(inspect.signature(network.forward).parameters)


def _answers_differ(
    network: nn.Module, tiles: Tensor, ways: tuple[Takes, ...], logits: int | str | None
) -> bool:
    with leave_as_found(network), torch.no_grad():
        one, other = (called(network, tiles[:64].clone(), way, logits) for way in ways)
    return one.shape != other.shape or not torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def _picked(answer: Any, logits: int | str | None) -> Any:
    """Return the logits [B, K] of an answer; those of one bag may come as [K]."""
    if logits is not None:
        answer = answer[logits]
    return answer[None] if isinstance(answer, Tensor) and answer.ndim == 1 else answer
