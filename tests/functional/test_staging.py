"""Batches arrive in their order and unchanged, from a thread that stops when it is no longer wanted."""

import threading

import pytest
import torch

from tasks.functional import staging
from tasks.functional.staging import StagingRing, ahead, staged

CPU = torch.device("cpu")


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("staging")]


def batches(count, made=None):
    for number in range(count):
        if made is not None:
            made.append((number, threading.current_thread().name))
        yield torch.full((2, 3), number, dtype=torch.uint8), f"tile {number}"


@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("depth", [1, 2, 9])
def test_batches_come_in_order_and_off_this_thread(count, depth):
    made = []
    found = list(ahead(batches(count, made), depth))
    assert [(int(batch[0, 0]), name) for batch, name in found] == [(n, f"tile {n}") for n in range(count)]
    assert all(name.startswith("staging") for _, name in made)
    assert not threads()


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_than_depth_are_made_ahead(depth):
    allowed, made = threading.Semaphore(0), []

    def slow():
        for number in range(20):
            made.append(number)
            yield number
            if number + 1 >= depth:
                allowed.release()

    source = ahead(slow(), depth)
    assert next(source) == 0
    allowed.acquire(timeout=30)
    # The one in hand, and depth more.
    assert len(made) <= 1 + depth
    source.close()
    assert not threads()
    assert len(made) <= 1 + depth


def test_an_error_comes_after_the_batches_before_it():
    def broken():
        yield from range(2)
        raise ZeroDivisionError("tile 2 cannot be read")

    seen = []
    with pytest.raises(ZeroDivisionError, match="tile 2 cannot be read"):
        seen.extend(ahead(broken(), 5))
    source = ahead(broken(), 5)
    assert [next(source), next(source)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(source)
    assert not threads()


def test_an_error_of_the_caller_stops_the_thread():
    made = []

    def work():
        for _, name in ahead(batches(1000, made), 2):
            raise KeyError(name)

    with pytest.raises(KeyError, match="tile 0"):
        work()
    assert not threads()
    assert len(made) <= 4


def test_on_a_cpu_batches_are_handed_on_as_they_are():
    made = []
    given = list(batches(3))
    for (batch, name), (same, again) in zip(given, staged(iter(given), CPU), strict=True):
        assert batch is same
        assert name == again
    list(staged(batches(3, made), CPU))
    assert {name for _, name in made} == {threading.current_thread().name}


class PretendStream:
    """A stream that notes what it waited for."""

    def __init__(self, device=None):
        self.waited = []

    def wait_event(self, event):
        self.waited.append(event)


def test_a_device_waits_for_each_copy_before_it_works_on_it(monkeypatch):
    """With pretended copies: here is no device."""
    now, recorded = PretendStream(), []
    monkeypatch.setattr(torch.cuda, "Stream", PretendStream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: now)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda batch, stream: recorded.append(stream))
    monkeypatch.setattr(staging, "_sent", lambda ring, batch, device, copies: (batch + 1, int(batch[0, 0])))
    for number, (batch, name) in enumerate(staged(batches(5), torch.device("cuda"), 2)):
        assert (int(batch[0, 0]), name) == (number + 1, f"tile {number}")
        assert now.waited == list(range(number + 1))
        assert recorded == [now] * (number + 1)
    assert not threads()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gets_every_batch_unchanged():
    given = [torch.randint(0, 256, (64, 3, 32, 32), dtype=torch.uint8) for _ in range(20)]
    device = torch.device("cuda")
    for number, (batch, name) in enumerate(staged(zip(given, range(20), strict=True), device)):
        assert batch.device.type == "cuda"
        assert name == number
        assert torch.equal(batch.cpu(), given[number])


class PretendCopy:
    """A copy that is done when someone waits for it."""

    def __init__(self, buffer):
        self.buffer, self.value = buffer, buffer.clone()
        self.waited = False

    def synchronize(self):
        assert torch.equal(self.buffer, self.value), "written before it was copied"
        self.waited = True


def test_a_buffer_is_used_again_only_after_it_was_copied():
    ring, copies = StagingRing(2, pinned=False), []
    for number in range(6):
        batch = torch.full((4, 3), float(number))
        held = ring.fill(batch)
        assert torch.equal(held, batch)
        copies.append(PretendCopy(held))
        ring.sent(copies[-1])
        assert [copy.waited for copy in copies] == [True] * (number - 1) + [False] * min(2, number + 1)
    assert ring.made == 2
    assert len({copy.buffer.data_ptr() for copy in copies}) == 2


def test_a_ring_takes_batches_of_any_size_and_type():
    ring = StagingRing(1, pinned=False)
    shapes = [((5, 2), torch.uint8), ((2, 2), torch.uint8), ((5, 2), torch.float32), ((0, 3), torch.int64)]
    for shape, kind in shapes:
        batch = torch.randint(0, 200, shape).to(kind)
        held = ring.fill(batch)
        assert torch.equal(held, batch)
        assert held.dtype == kind
    assert ring.made == 2, "the first, and the larger third"
