"""A cluster is named once, and not where others could run code on it."""

import pytest
from pydantic import ValidationError

from tasks.study.cluster import Cluster
from tasks.study.config import Resources

TLS = {"ca": "ca.pem", "cert": "me.pem", "key": "me.key"}


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ({}, "needs one of workers .* or scheduler_file .*, got none of them"),
        ({"workers": 2, "address": "tcp://127.0.0.1:1"}, "got workers and address"),
        ({"workers": 0}, "greater than or equal to 1"),
        ({"address": "http://x:1"}, "should match pattern"),
        (
            {"address": "tcp://node1:8786"},
            "is not encrypted, and whoever reaches it can run code on all workers",
        ),
        ({"address": "tcp://10.0.0.1:8786"}, "say private_network: true"),
        ({"address": "tls://node1:8786"}, "needs resources.cluster.tls: ca, cert, key"),
        ({"address": "tcp://127.0.0.1:1", "memory_gb": 2}, "memory_gb is for a cluster of this machine"),
    ],
)
def test_what_is_refused(block, sentence):
    with pytest.raises(ValidationError, match=sentence):
        Cluster(**block)


@pytest.mark.parametrize(
    "block",
    [
        {"workers": 2, "memory_gb": 4},
        {"address": "tcp://127.0.0.1:8786"},
        {"address": "tcp://[::1]:8786"},
        {"address": "tcp://localhost:8786"},
        {"address": "tcp://node1:8786", "private_network": True},
        {"address": "tls://node1:8786", "tls": TLS},
        {"scheduler_file": "scheduler.json"},
    ],
)
def test_what_is_taken(block):
    assert Cluster(**block).is_local == ("workers" in block)


def test_the_words_of_a_cluster_need_its_runner():
    for name, value in (("cluster", {"workers": 2}), ("timeout_minutes", {"tile": 5})):
        with pytest.raises(
            ValidationError, match=rf"resources\.{name} needs resources\.runner: dask, got threads"
        ):
            Resources(**{name: value})
    assert Resources(runner="dask", workers=3).joined == Cluster(workers=3)


def test_each_device_slot_needs_a_worker():
    with pytest.raises(ValidationError, match=r"names 3 device slots, and resources.cluster has 2 workers"):
        Resources(runner="dask", cluster={"workers": 2}, devices=("cpu",) * 3)
