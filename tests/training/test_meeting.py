"""Processes meet under a new name, whatever earlier ones have left in the store."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist

from tasks.training.meeting import meet
from tasks.training_step.rank import Rank

SOON = timedelta(seconds=60)


def test_each_meeting_has_a_name_of_its_own():
    store = dist.HashStore()
    for late in (0, 2, 1, 2):
        begun = threading.Event()

        def come(number, late=late, begun=begun):
            # One comes late: what its predecessor left must not stand for it.
            if number == late:
                begun.wait(0.5)
            prefix = meet(store, Rank(number, 3), SOON)
            prefix.set(f"port/{number}", f"{number}")
            return {prefix.get(f"port/{other}") for other in range(3)}

        with ThreadPoolExecutor(3) as threads:
            seen = list(threads.map(come, range(3)))
        assert seen == [{b"0", b"1", b"2"}] * 3
    names = {key.split("/")[1] for key in store.list_keys() if key.startswith("came/")}
    assert len(names) >= 4


def test_it_waits_no_longer_than_it_may():
    with pytest.raises(TimeoutError, match=r"^process 1 of 2 waited in vain"):
        meet(dist.HashStore(), Rank(0, 2), timedelta(seconds=0.3))
