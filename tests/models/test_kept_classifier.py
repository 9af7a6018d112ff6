"""A classifier is loaded once for builds that follow each other, and shared with nobody."""

import threading

import pytest
import torch

from tasks.artifacts.checkpoint import Checkpoint
from tasks.models import kept_classifier as module
from tasks.models.kept import KeptInThread
from tasks.models.kept_classifier import kept_classifier
from tests._support.record_jobs import make_checkpoint

CPU = torch.device("cpu")


@pytest.fixture
def loaded(monkeypatch):
    """Note which checkpoints are loaded, with nothing kept before."""
    names, load = [], module.load_classifier

    def noting(checkpoint, device):
        names.append(checkpoint.folder.name)
        return load(checkpoint, device)

    monkeypatch.setattr(module, "load_classifier", noting)
    monkeypatch.setattr(module, "_kept", KeptInThread())
    return names


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    return [make_checkpoint(folder / name, seed) for seed, name in enumerate("ab")]


def used(checkpoint):
    with kept_classifier(checkpoint, CPU) as classifier:
        return classifier


def test_the_same_checkpoint_is_loaded_once_and_another_replaces_it(loaded, checkpoints):
    first, second = checkpoints
    one = used(first)
    assert used(first) is one
    other = used(second)
    assert loaded == ["a", "b"]
    assert not torch.equal(one(torch.ones(1, 3, 16, 16)), other(torch.ones(1, 3, 16, 16)))
    used(first)
    assert loaded == ["a", "b", "a"]


def test_after_an_error_it_is_loaded_again(loaded, checkpoints):
    def failing():
        with kept_classifier(checkpoints[0], CPU):
            raise RuntimeError("a broken explainer")

    with pytest.raises(RuntimeError, match="broken"):
        failing()
    used(checkpoints[0])
    assert loaded == ["a", "a"]


def test_builds_in_two_threads_have_networks_of_their_own(loaded, checkpoints):
    here, there = used(checkpoints[0]), []
    thread = threading.Thread(target=lambda: there.append(used(checkpoints[0])))
    thread.start()
    thread.join()
    assert there[0] is not here
    assert loaded == ["a", "a"]


def test_a_block_inside_another_has_a_network_of_its_own(loaded, checkpoints):
    with kept_classifier(checkpoints[0], CPU) as outer:
        assert used(checkpoints[0]) is not outer
    assert loaded == ["a", "a"]


def test_weights_that_were_written_again_are_read_again(loaded, tmp_path):
    one = used(make_checkpoint(tmp_path / "c", 0))
    other = used(make_checkpoint(tmp_path / "c", 1))
    assert one is not other
    assert loaded == ["c", "c"]


def test_a_network_of_another_package_is_not_kept(loaded, checkpoints, monkeypatch):
    foreign = Checkpoint(checkpoints[0].folder)
    network = {**foreign.info.network, "module": "a.package:Network"}
    # A view keeps what it has read under the name of the property.
    foreign.__dict__["info"] = foreign.info.model_copy(update={"network": network})
    monkeypatch.setattr(module, "load_classifier", lambda *_: loaded.append("foreign") or object())
    used(foreign)
    used(foreign)
    assert loaded == ["foreign", "foreign"]
