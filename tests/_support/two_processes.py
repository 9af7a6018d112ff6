"""Run a function in two processes that hold a half of every batch each."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tasks.training_step.rank import Rank


def in_two_processes(function: Callable[[Rank], Any], folder: Path) -> tuple[Any, Any]:
    """Return what ``function`` of an importable module, given its share, returns in each of them."""
    mp.spawn(_run, (function, str(folder)), nprocs=2)
    return tuple(torch.load(folder / f"result{rank}.pt") for rank in range(2))


def _run(rank: int, function: Callable[[Rank], Any], folder: str) -> None:
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    store = dist.FileStore(f"{folder}/meeting", 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    torch.save(function(Rank(rank, 2)), f"{folder}/result{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()
