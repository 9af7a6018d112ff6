"""The part of an epoch that is done: what the rest of it needs to end as if nothing had stopped it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from tasks.training.epoch_sums import EpochSums
from tasks.training_step.rank import Rank


@dataclass(frozen=True)
class UnfinishedEpoch:
    """An epoch after ``steps`` of its optimiser steps.

    The order of the tiles and their changes follow from the seed, the epoch and ``steps``. ``sums`` are those
    of the epoch's figures. ``streams`` are the states of the regularizers' generators, which draw as much as
    they need. ``globals`` are the states of the global generators of each process, kept only where the
    network may use them; on an accelerator also of its own.
    """

    steps: int
    sums: Mapping[str, Tensor]
    streams: tuple[Tensor, ...]
    globals: tuple[Tensor, ...] = ()

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All of it by name, for a file."""
        return {
            "steps": torch.tensor(self.steps),
            **{f"sums/{name}": value for name, value in self.sums.items()},
            **{f"streams/{i:03d}": value for i, value in enumerate(self.streams)},
            **{f"globals/{i:03d}": value for i, value in enumerate(self.globals)},
        }

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self | None:
        """Return what :attr:`tensors` were made of; None of none."""
        if not tensors:
            return None

        def below(name: str) -> dict[str, Tensor]:
            found = {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}
            return dict(sorted(found.items()))

        streams, ambient = tuple(below("streams/").values()), tuple(below("globals/").values())
        return cls(int(tensors["steps"]), below("sums/"), streams, ambient)


def collected(
    sums: EpochSums, streams: list[torch.Generator], device: torch.device, with_globals: bool
) -> UnfinishedEpoch:
    """Return the epoch as it is now. Every process must ask at the same step."""
    states = _global_states(device) if with_globals else []
    return UnfinishedEpoch(
        steps=sums.steps,
        sums=sums.state(),
        streams=tuple(stream.get_state() for stream in streams),
        globals=tuple(sums.rank.collect(state.to(device)).cpu() for state in states),
    )


def restore_globals(states: tuple[Tensor, ...], device: torch.device, rank: Rank) -> None:
    """Put back the global generators of this process."""
    if not states:
        return
    torch.set_rng_state(states[0][rank.number].contiguous())
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1][rank.number].contiguous(), device)


def _global_states(device: torch.device) -> list[Tensor]:
    own = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *own]
