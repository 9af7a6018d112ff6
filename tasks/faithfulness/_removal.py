"""Probes that removal metrics share: the clean samples, and the samples without some elements."""

from collections.abc import Callable

from torch import Tensor

from tasks.evidence.block import Block
from tasks.evidence.removal import Remover
from tasks.faithfulness.base import Probe, ProbeKey
from tasks.samples.inputs import each

CLEAN = ("clean",)


def clean_probe(block: Block) -> Probe:
    """Return the probe of the samples as they are."""
    return Probe(key=CLEAN, count=1, make=lambda _steps: each(lambda inputs: inputs[None], block.inputs))


def empty_probe(block: Block, remover: Remover) -> Probe:
    """Return the probe of the samples without any element."""
    return Probe(
        key=empty_key(remover),
        count=1,
        make=lambda _steps: each(lambda inputs: inputs[None], remover.without_all(block)),
    )


def empty_key(remover: Remover) -> ProbeKey:
    """Return the key of :func:`empty_probe`."""
    return ("gone", *remover.key())


def removal_probe(
    block: Block, remover: Remover, key: ProbeKey, count: int, removed: Callable[[slice], Tensor]
) -> Probe:
    """Return the probe of ``count`` steps in which some elements are away.

    ``removed(steps)`` gives bool [s, B, E], or any shape that broadcasts to it.
    """
    return Probe(key=key, count=count, make=lambda steps: remover.without(block, removed(steps)))
