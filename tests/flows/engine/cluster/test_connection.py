"""What a run makes of a cluster that is lost, slow or short of devices."""

from concurrent.futures import CancelledError

import pytest
from distributed import KilledWorker

from flows.engine.cluster import connection as module
from flows.engine.cluster.connection import Connection, StumbledError
from flows.engine.cluster.errors import ClusterLostError
from flows.engine.cluster.worker import Answer, Failure
from flows.engine.outcome import ArtifactsFailedError
from flows.engine.request import BuildRequest, RequestedArtifact
from flows.engine.runners.base import NotMadeError, sentence_for
from flows.open_study import open_study
from tasks.artifacts.key import ArtifactKey
from tests._support.studies import tiny_config

X, Y = (ArtifactKey("tile", slide=name) for name in "xy")
DEVICE = {"resources": {"device": 1}}
BARE = {"resources": {}}


class FakeFuture:
    def __init__(self, key, ends):
        self.key, self._ends, self.status = key, ends, "pending"

    def add_done_callback(self, call):
        call(self)

    def done(self):
        return True

    def result(self, timeout):
        end = self._ends.pop(0)
        if isinstance(end, BaseException):
            raise end
        return end

    def release(self):
        pass


class FakeClient:
    status = "running"

    def __init__(self):
        self.there, self.ends, self.sent = {"a": BARE}, [], []

    def scheduler_info(self):
        return {"workers": self.there}

    def submit(self, function, request, name, **words):
        self.sent.append((request, words["resources"]))
        return FakeFuture(words["key"], self.ends)


@pytest.fixture
def study(manifest, tmp_path):
    cluster = {"address": "tcp://127.0.0.1:1", "patience_minutes": 5}
    return open_study(
        tiny_config(manifest, resources={"runner": "dask", "cluster": cluster}), tmp_path / "home", None
    )


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def request(study, stage="tile"):
    artifacts = [RequestedArtifact(key, None, {}, {}) for key in (X, Y)]
    return BuildRequest(stage, study, artifacts, "attempt", {}, {})


def test_no_worker_for_too_long_ends_the_run(study, clock):
    client = FakeClient()
    link = Connection(client, study, print)
    link.check()
    client.there = {}
    clock[0] += 299
    link.check()
    clock[0] += 2
    with pytest.raises(
        ClusterLostError, match=r"^there was no worker for 5 minutes; what is stored is kept; run "
    ):
        link.check()
    assert issubclass(ClusterLostError, ArtifactsFailedError), "exit code 1"


def test_a_scheduler_that_is_gone_ends_the_run(study, clock):
    client = FakeClient()
    link = Connection(client, study, print)
    client.status = "connecting"
    clock[0] += 29
    link.check()
    clock[0] += 2
    with pytest.raises(
        ClusterLostError, match=r"^the scheduler does not answer any more; what is stored is kept"
    ):
        link.check()


def test_models_go_to_workers_that_declare_a_device(study, clock):
    client = FakeClient()
    link = Connection(client, study, print)
    assert (link.workers(), link.workers(with_device=True)) == (1, 1), "all take models until one declares it"
    client.there = {"a": BARE, "b": DEVICE, "c": DEVICE}
    clock[0] += 2
    assert (link.workers(), link.workers(with_device=True)) == (3, 2)
    client.ends = [Answer(), Answer()]
    link.build(request(study))
    link.build(request(study, "train"))
    assert [resources for _, resources in client.sent] == [None, {"device": 1}]
    assert all(sent.study is None for sent, _ in client.sent), "the study is not sent with every request"
    client.there = {"a": BARE}
    clock[0] += 2
    assert link.workers(with_device=True) == 0, "a model does not go elsewhere when the devices are gone"


def test_what_a_worker_tells_is_raised_for_each_artifact(study):
    client = FakeClient()
    link = Connection(client, study, print)
    client.ends = [Answer((Failure((X,), "no tissue", False, ""),))]
    with pytest.raises(NotMadeError, match=r"^no tissue$") as told:
        link.build(request(study))
    assert not isinstance(told.value, OSError)
    assert (sentence_for(X, told.value), sentence_for(Y, told.value)) == ("no tissue", "it was not stored")
    client.ends = [Answer((Failure((X,), "disk away", True, ""), Failure((Y,), "no tissue", False, "")))]
    with pytest.raises(StumbledError, match=r"^disk away; no tissue$") as stumbled:
        link.build(request(study))
    assert isinstance(stumbled.value, OSError), "it is tried again"


def test_an_answer_that_was_lost_is_waited_for_and_a_killed_worker_is_asked_again(study):
    client = FakeClient()
    client.ends = [TimeoutError(), KilledWorker("k", None, 2), TimeoutError(), Answer()]
    Connection(client, study, print).build(request(study))
    assert len(client.sent) == 2
    client.ends = [KilledWorker("k", None, 2)] * 5
    with pytest.raises(ClusterLostError, match=r"^every worker that got .* was lost before it began"):
        Connection(client, study, print).build(request(study))


def test_a_worker_that_differs_and_a_scheduler_that_forgot_end_the_run(study):
    client = FakeClient()
    client.ends = [Answer(unlike="worker 9 has other code"), CancelledError()]
    with pytest.raises(ClusterLostError, match=r"^worker 9 has other code; what is stored is kept"):
        Connection(client, study, print).build(request(study))
    with pytest.raises(ClusterLostError, match=r"^the scheduler does not answer any more"):
        Connection(client, study, print).build(request(study))
