"""Values of batches lie in one array, and nothing of a batch is kept."""

import gc
import weakref

import pytest
import torch

from tasks.model_metrics._room import Room


def batches(dtype):
    drawn = torch.Generator().manual_seed(0)
    return [torch.rand(size, 3, generator=drawn).to(dtype) for size in (2, 4, 1)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_the_values_of_all_batches_are_those_that_were_written_in_their_order(dtype):
    room, whole = Room(7), torch.cat(batches(dtype))
    for batch in batches(dtype):
        room.add({"rows": batch, "first": batch[:, 0]})
    assert room.names() == ["rows", "first"]
    assert torch.equal(room["rows"], whole)
    assert torch.equal(room["first"], whole[:, 0])
    assert room["rows"].dtype == dtype


def test_nothing_of_a_batch_is_kept_and_no_array_is_made_after_the_first():
    room, kept, places = Room(7), [], set()
    for batch in batches(torch.float32):
        values = (batch.clone().requires_grad_() * 2).sum(1)
        room.add({"sum": values})
        kept.append(weakref.ref(values))
        places.add(room._arrays["sum"].data_ptr())
    del values, batch
    gc.collect()
    assert [reference() for reference in kept] == [None] * 3
    assert len(places) == 1
    assert not room["sum"].requires_grad


def test_too_many_or_too_few_tiles_are_refused():
    room = Room(3)
    room.add({"a": torch.zeros(2)})
    with pytest.raises(ValueError, match="only 2 of 3 tiles have values"):
        room["a"]
    with pytest.raises(ValueError, match="values of 4 tiles came, there is room for 3"):
        room.add({"a": torch.zeros(2)})
