"""From batches in memory to batches on a device, ahead of whoever works on them.

Reading and decoding are off the thread that asks the model. For an accelerator a batch passes through a ring
of pinned buffers, which are made once and used again: from pinned memory a copy runs beside the computation,
and to pin memory anew for every batch costs more than the copy.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
V = TypeVar("V")

_BUFFERS = 2
"""Pinned buffers of a ring: one is written while another is copied."""


def staged(
    batches: Iterable[tuple[Tensor, T]], device: torch.device, depth: int = 2
) -> Iterator[tuple[Tensor, T]]:
    """Yield ``batches`` on ``device``, in their order, while a thread sends the next ones.

    The copies run beside the work on earlier batches. The thread ends when the iterator ends or is closed.

    Args:
        batches: tensors [B, ...] on the CPU, each with whatever belongs to it. The thread iterates it.
        device: where the tensors are wanted. On a CPU they are handed on as they are, without a thread.
        depth: batches sent ahead of the caller, at least 1. That many more are in the memory of the device.

    Yields:
        Each tensor on ``device``, with what belongs to it. What ``batches`` raises is raised here, after the
        batches before it.

    Example:
        >>> import torch
        >>> batches = ((torch.full((2,), float(n)), n) for n in range(3))
        >>> [(batch.tolist(), n) for batch, n in staged(batches, torch.device("cpu"))]
        [([0.0, 0.0], 0), ([1.0, 1.0], 1), ([2.0, 2.0], 2)]
    """
    if device.type != "cuda":
        yield from batches
        return
    ring = StagingRing(_BUFFERS)
    copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch
    sent = ((*_sent(ring, batch, device, copies), rest) for batch, rest in batches)
    for batch, copied, rest in ahead(sent, depth):
        now = torch.cuda.current_stream(device)
        now.wait_event(copied)
        # The memory belongs to the stream of the copies: it is kept until this one is done with it.
        batch.record_stream(now)
        yield batch, rest


def ahead(values: Iterable[V], depth: int) -> Iterator[V]:
    """Yield ``values``, made by one thread that is up to ``depth`` of them ahead."""
    source, end = iter(values), object()
    with ThreadPoolExecutor(1, thread_name_prefix="staging") as maker:
        coming = deque(maker.submit(next, source, end) for _ in range(depth))
        try:
            while (value := coming.popleft().result()) is not end:
                coming.append(maker.submit(next, source, end))
                yield value  # type: ignore[misc]  # not the end
        finally:
            for each in coming:
                each.cancel()


class Copied(Protocol):
    """An event that happens when a buffer was copied to the device."""

    def synchronize(self) -> None:
        """Wait until it has happened."""


class StagingRing:
    """Equal buffers that batches pass through in turn, each written again only after it was copied.

    A buffer is made by the first batch that it holds, and made anew only for a larger one.

    Args:
        count: buffers, at least 1.
        pinned: whether they are pinned. That needs an accelerator.
    """

    def __init__(self, count: int, *, pinned: bool = True) -> None:
        self._pinned = pinned
        self._buffers = [torch.empty(0, dtype=torch.uint8)] * count
        self._copied: list[Copied | None] = [None] * count
        self._turn = -1
        self.made = 0

    def fill(self, batch: Tensor) -> Tensor:
        """Return ``batch`` in the next buffer, after what that buffer held before was copied."""
        self._turn = (self._turn + 1) % len(self._buffers)
        before = self._copied[self._turn]
        if before is not None:
            before.synchronize()
            self._copied[self._turn] = None
        room = self._buffers[self._turn]
        if room.numel() < batch.nbytes:
            room = torch.empty(batch.nbytes, dtype=torch.uint8, pin_memory=self._pinned)
            self._buffers[self._turn] = room
            self.made += 1
        return room[: batch.nbytes].view(batch.dtype).view(batch.shape).copy_(batch)

    def sent(self, copied: Copied) -> None:
        """Note what happens when the buffer that was filled last was copied."""
        self._copied[self._turn] = copied


def _sent(
    ring: StagingRing, batch: Tensor, device: torch.device, copies: torch.cuda.Stream
) -> tuple[Tensor, torch.cuda.Event]:
    """Ask for a copy of ``batch`` on ``device`` and return it with the event of its arrival."""
    with torch.cuda.stream(copies):
        arriving = ring.fill(batch).to(device, non_blocking=True)
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch
        copied.record(copies)
    ring.sent(copied)
    return arriving, copied
