"""Where the processes of one training meet over machines: at a name that no earlier meeting had.

Torchrun keeps one store for all restarts of a training. What processes that died have left there (on which
port they listened) would be read by those that come after them, so each meeting gets a name of its own. The
first process makes it up, once all others have said that they are there.
"""

import json
import os
import time
from datetime import timedelta
from typing import Any

from torch.distributed.distributed_c10d import PrefixStore

from tasks.training_step.rank import Rank

_PERIOD_S = 0.2


def meet(store: Any, rank: Rank, patience: timedelta) -> Any:
    """Return the store of a new meeting, as soon as all processes of ``rank.count`` are there.

    Raises:
        TimeoutError: one of them did not come.
    """
    mine, deadline = os.urandom(8).hex(), time.monotonic() + patience.total_seconds()
    if not rank.first:
        store.set(f"here/{rank.number}", mine)
    welcome: dict[str, str] = {}
    while True:
        if rank.first:
            welcome = _invite(store, rank.count, welcome)
            if welcome and _all_came(store, rank.count, welcome["name"]):
                store.set(f"begun/{welcome['name']}", "yes")
                break
        else:
            welcome = _read(store, "welcome")
            # A welcome of an earlier meeting does not hold what was just said.
            if welcome.get(str(rank.number)) == mine:
                store.set(f"came/{welcome['name']}/{rank.number}", "yes")
                if store.check([f"begun/{welcome['name']}"]):
                    break
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {rank.number + 1} of {rank.count} waited in vain for the others")
        time.sleep(_PERIOD_S)
    return PrefixStore(welcome["name"], store)


def _invite(store: Any, count: int, before: dict[str, str]) -> dict[str, str]:
    """Return the invitation to all who are there: a new one whenever another process says so."""
    keys = [f"here/{number}" for number in range(1, count)]
    if not store.check(keys):
        return {}
    here = {str(number): store.get(key).decode() for number, key in enumerate(keys, start=1)}
    if before and here == {name: value for name, value in before.items() if name != "name"}:
        return before
    welcome = {**here, "name": os.urandom(8).hex()}
    store.set("welcome", json.dumps(welcome))
    return welcome


def _all_came(store: Any, count: int, name: str) -> bool:
    return bool(store.check([f"came/{name}/{number}" for number in range(1, count)]))


def _read(store: Any, key: str) -> dict[str, str]:
    return dict(json.loads(store.get(key))) if store.check([key]) else {}
