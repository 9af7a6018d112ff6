"""A network that changes itself when it is asked is noticed, and put back."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from tasks.models.errors import ModelError


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Restore the buffers of ``model`` after the block, also after an error.

    Raises:
        ModelError: at the end of the block, if a buffer or a weight changed inside it.
    """
    buffers = {name: (buffer, buffer.clone()) for name, buffer in model.named_buffers()}
    versions = {name: weight._version for name, weight in model.named_parameters()}
    try:
        yield
        changed = [name for name, (now, before) in buffers.items() if not _same(now, before)]
        changed += [name for name, weight in model.named_parameters() if weight._version != versions[name]]
        if changed:
            raise ModelError(
                f"{type(model).__name__} changes its own {changed[0]!r} when it is asked, in eval mode, as a "
                "BatchNorm that stays in training mode does: every answer would depend on the ones before"
            )
    finally:
        with torch.no_grad():
            for now, before in buffers.values():
                if not _same(now, before):
                    now.copy_(before)


def _same(now: torch.Tensor, before: torch.Tensor) -> bool:
    return bool(torch.equal(now, before) or (now.isnan() & before.isnan() | (now == before)).all())
