"""A cluster of this machine: on the loopback device, with certificates of its own, gone when the run is."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Nanny, Scheduler, Security, SpecCluster

from flows.engine.cluster.worker import DEVICE
from tasks.study.study import Study

HOST = "127.0.0.1"

_SETTINGS = {
    # Workers have the environment of the run, and so its arithmetic.
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.worker.profile.enabled": False,
    # A worker over its limit is ended and not paused: a build cannot be spilled to a disk.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # On a busy machine a worker may take long to be heard; one that is not is not started again.
    "distributed.comm.timeouts.connect": "180s",
    "distributed.comm.timeouts.tcp": "180s",
    # A decoder may keep a worker from answering for long. One that is dead is noticed by its connection, one
    # that hangs is ended by resources.timeout_minutes.
    "distributed.scheduler.worker-ttl": None,
    "distributed.worker.http.routes": [],
    "distributed.scheduler.http.routes": [],
}


@contextmanager
def local_cluster(study: Study) -> Iterator[tuple[str, Security]]:
    """Start a scheduler and its workers, and give its address with the key to it; end them with the block.

    The certificates are made for this cluster, so that other users of this machine cannot reach it.
    """
    security = Security.temporary()
    common = {"security": security, "protocol": "tls://", "host": HOST}
    with dask.config.set(_SETTINGS):
        cluster = SpecCluster(
            workers={number: _worker(study, number, common) for number in range(_count(study))},
            scheduler={
                "cls": Scheduler,
                "options": {**common, "port": 0, "dashboard": False, "dashboard_address": f"{HOST}:0"},
            },
            security=security,
            silence_logs=logging.CRITICAL,
        )
        try:
            yield cluster.scheduler_address, security
        finally:
            cluster.close(timeout=10)


def _count(study: Study) -> int:
    workers = study.config.resources.joined.workers
    assert workers is not None
    return workers


def _worker(study: Study, number: int, common: dict[str, Any]) -> dict[str, Any]:
    """Return one worker: a process with one thread, and where it takes models a device of its own."""
    resources = study.config.resources
    devices = resources.devices or ([study.device] if study.device != "cpu" else ["cpu"] * _count(study))
    takes_models = number < len(devices)
    memory = resources.joined.memory_gb
    return {
        "cls": Nanny,
        "options": {
            **common,
            "name": f"worker {number + 1}",
            "nthreads": 1,
            "resources": {DEVICE: 1} if takes_models else {},
            "env": _visible(devices[number]) if takes_models else {},
            "memory_limit": 0 if memory is None else int(memory * 1e9),
            "dashboard": False,
            "dashboard_address": f"{HOST}:0",
            "silence_logs": logging.CRITICAL,
        },
    }


def _visible(device: str) -> dict[str, str]:
    """Return the environment in which ``cuda`` is this one device."""
    kind, _, number = device.partition(":")
    return {"CUDA_VISIBLE_DEVICES": number} if kind == "cuda" and number else {}
