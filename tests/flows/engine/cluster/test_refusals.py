"""A cluster that cannot be used is refused with a sentence before any work starts."""

import json
import socket

import pytest

from flows.engine.cluster import likeness
from flows.engine.cluster.existing import existing
from flows.engine.cluster.likeness import Expected, unlike
from flows.open_study import open_study
from tasks.artifacts.store import Store
from tasks.study.cluster import Cluster
from tasks.study.errors import UsageError
from tests._support.ports import free_port
from tests._support.studies import tiny_config


@pytest.fixture
def opened(manifest, tmp_path):
    return open_study(tiny_config(manifest), tmp_path / "home", None)


@pytest.fixture
def expected(opened):
    return Expected.of(opened)


def looked(expected, **changes):
    words = {"worker": "7", "threads": 1, "takes_models": True, **changes}
    return unlike(expected, words.pop("worker"), words.pop("threads"), **words)


def test_a_worker_like_the_run_is_taken_and_answers_below_the_home(expected):
    assert looked(expected) == ""
    assert expected.answer_path("7").read_text() == expected.secret
    expected.forget()
    assert not list(expected.probe.parent.iterdir())


def test_other_versions_and_other_code(expected, monkeypatch):
    who = f"worker 7 on {socket.gethostname()}"
    there = likeness.versions()
    monkeypatch.setattr(likeness, "versions", lambda: {**there, "torch": "2.12.0"})
    assert looked(expected) == f"{who} has torch 2.12.0, and the run has {there['torch']}; install the same"
    monkeypatch.setattr(likeness, "versions", lambda: there)
    monkeypatch.setattr(likeness, "source_digest", lambda: "another")
    assert looked(expected).startswith(
        f"{who} has other code of veritile than the run; install the same commit"
    )


def test_a_home_or_slides_that_a_worker_does_not_see(expected, monkeypatch):
    assert "has 4 threads, and models need one each; start it with --nthreads 1" in looked(
        expected, threads=4
    )
    slide = expected.slide
    monkeypatch.setattr(type(slide), "is_file", lambda path: path != slide)
    assert f"does not see the slide {slide} as the run does" in looked(expected)
    expected.probe.write_text("of another home")
    assert "sees another folder" in looked(expected)
    expected.probe.unlink()
    assert "does not see the home" in looked(expected)


def test_code_is_compared_by_its_bytes(monkeypatch, tmp_path):
    for package in ("flows", "tasks"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "module.py").write_text("x = 1\n")

    class Spec:
        def __init__(self, name):
            self.submodule_search_locations = [str(tmp_path / name)]

    monkeypatch.setattr(likeness, "find_spec", Spec)
    digest = likeness.source_digest.__wrapped__
    before = digest()
    assert digest() == before
    (tmp_path / "tasks" / "module.py").write_text("x = 2\n")
    assert digest() != before


def test_a_dead_address(make, monkeypatch, tmp_path):
    monkeypatch.setattr("flows.engine.cluster.joined._CONNECT_S", 1.0)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(UsageError, match=f"^no scheduler answers at {address}: "):
        make(cluster={"address": address})
    assert not list(Store(tmp_path / "home").records("Spelled"))


def test_workers_that_differ_end_the_run_before_it_begins(make, monkeypatch, tmp_path):
    there = likeness.versions()
    monkeypatch.setattr(likeness, "versions", lambda: {**there, "numpy": "1.0"})
    with pytest.raises(
        UsageError, match=r"^worker \w+ on .* has numpy .*, and the run has 1.0; install the same$"
    ):
        make()
    assert not list(Store(tmp_path / "home").records("Spelled"))


def test_no_dask(make, monkeypatch):
    monkeypatch.setattr("flows.engine.runners.chosen.find_spec", lambda name: None)
    with pytest.raises(
        UsageError, match=r"needs Dask, which is not installed; pip install 'veritile\[dask\]'"
    ):
        make()


def test_a_scheduler_file_and_certificates(tmp_path):
    path = tmp_path / "scheduler.json"
    with pytest.raises(UsageError, match=r"scheduler.json cannot be read: No such file"):
        existing(Cluster(scheduler_file=str(path)))
    path.write_text("[]")
    with pytest.raises(UsageError, match=r"scheduler.json holds no address of a scheduler"):
        existing(Cluster(scheduler_file=str(path)))
    path.write_text(json.dumps({"address": "tcp://node1:8786"}))
    with pytest.raises(UsageError, match="tcp://node1:8786 is not encrypted"):
        existing(Cluster(scheduler_file=str(path)))
    path.write_text(json.dumps({"address": "tcp://127.0.0.1:8786"}))
    assert existing(Cluster(scheduler_file=str(path)))[0] == "tcp://127.0.0.1:8786"
    tls = {"ca": "absent.pem", "cert": "b", "key": "c"}
    with pytest.raises(UsageError, match=r"tls.ca names no file: absent.pem"):
        existing(Cluster(address="tls://node1:8786", tls=tls))
