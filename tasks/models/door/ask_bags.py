"""The questions that a network of bags is asked, before its maps are scored."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tasks.functional.foreign_errors import SaidAs
from tasks.functional.leave_as_found import leave_as_found
from tasks.models.door.ambient import refuse_inference_mode, said_of_autocast, tolerance
from tasks.models.door.ask import Admission, said_of_probabilities
from tasks.models.door.state import unchanged
from tasks.models.errors import ModelError

Ask = Callable[[Tensor], Tensor]
"""Gives the logits [1, K] of the tiles [N, D] of one bag."""

MOST_TILES = 256
"""Tiles of the bag that is asked about: the questions are the same for any."""


def ask_bag_network(model: nn.Module, ask: Ask, tiles: Tensor, title: str = "") -> Admission:
    """Ask a network of bags what everything behind the door relies on.

    It must give finite logits [1, K], the same logits for the same bag at every call, and logits for a single
    tile. Whether the order of the tiles matters, and whether it writes on its input, is noted.

    Args:
        model: the network; asked in eval mode, left as found.
        ask: how it is called with one bag.
        tiles: float32 [N, D], the tiles of a bag; never written on.
        title: what to call the network in a sentence; by default the name of its class.

    Raises:
        ModelError: an answer does not fit, or the network raised an error; one sentence says which.
    """
    refuse_inference_mode(model)
    title, tiles = title or type(model).__name__, tiles[:MOST_TILES]
    with leave_as_found(model), torch.no_grad(), unchanged(model):
        given = tiles.clone()
        first = _logits(ask, title, given)
        writes = not torch.equal(given, tiles)
        again = _logits(ask, title, tiles.clone())
        if _differ(first, again):
            raise ModelError(
                f"{title} gives the same bag other logits at a second call, in eval mode: something in it "
                "draws at random, such as a dropout that never turns off or a sample of tiles"
            )
        single = _logits(ask, title, tiles[:1].clone())
        if single.shape != first.shape:
            raise ModelError(
                f"{title} gives logits {list(first.shape)} to {len(tiles)} tiles and {list(single.shape)} to "
                "one; needed [1, K] whatever the number of tiles"
            )
        turned = _logits(ask, title, tiles.flip(0))
    notes = (*said_of_autocast(tiles.device.type), *said_of_probabilities(title, first))
    if _differ(first, turned):
        notes += (
            f"{title} gives other logits when the tiles come in another order, so removing a tile moves the "
            "others too: curves measure the places of the tiles beside the tiles",
        )
    return Admission(int(first.shape[1]), notes, writes)


def _logits(ask: Ask, title: str, tiles: Tensor) -> Tensor:
    with SaidAs(
        ModelError, f"{title} does not take a bag of {len(tiles)} tiles of {tiles.shape[1]} features"
    ):
        logits: object = ask(tiles)
    if not isinstance(logits, Tensor):
        raise ModelError(
            f"{title} gave {type(logits).__name__}; needed a tensor of logits [1, K]: say which output they "
            "are, by its place or name (logits)"
        )
    if logits.ndim != 2 or len(logits) != 1 or logits.shape[1] < 2 or not logits.is_floating_point():
        raise ModelError(
            f"{title} gave {logits.dtype} of shape {list(logits.shape)} for a bag of {len(tiles)} tiles; "
            "needed logits [1, K] with K >= 2"
        )
    if not torch.isfinite(logits).all():
        raise ModelError(f"{title} gave logits that are not finite to a bag of {len(tiles)} tiles")
    return logits.detach().clone()


def _differ(one: Tensor, other: Tensor) -> bool:
    scale = one.abs().max().clamp_min(1.0)
    return not float((one - other).abs().max() / scale) <= tolerance(one.device.type)
