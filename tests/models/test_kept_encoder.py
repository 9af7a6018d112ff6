"""An encoder is loaded once for slides that follow each other, and shared with nobody."""

import threading

import pytest
import torch

from tasks.models import kept_encoder as module
from tasks.models.encoders.checkpoint import CheckpointEncoder
from tasks.models.encoders.colour_statistics import ColourStatistics
from tasks.models.kept import KeptInThread
from tasks.models.kept_encoder import kept_encoder
from tests._support.record_jobs import make_checkpoint

CPU = torch.device("cpu")


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_kept", KeptInThread())
    return CheckpointEncoder(folder=str(make_checkpoint(tmp_path / "c", 0).folder))


def used(encoder):
    with kept_encoder(encoder, CPU) as loaded:
        return loaded


def test_the_same_encoder_is_loaded_once_and_another_replaces_it(encoder):
    one = used(encoder)
    assert used(CheckpointEncoder(folder=encoder.folder)) is one
    used(ColourStatistics())
    assert used(encoder) is not one


def test_weights_that_were_written_again_are_read_again_with_their_digest(encoder, tmp_path):
    one = used(encoder)
    make_checkpoint(tmp_path / "c", 1)
    other = used(encoder)
    assert other is not one
    assert other.facts.digest != one.facts.digest


def test_after_an_error_it_is_loaded_again(encoder):
    one = used(encoder)

    def failing():
        with kept_encoder(encoder, CPU):
            raise RuntimeError("a broken slide")

    with pytest.raises(RuntimeError, match="broken"):
        failing()
    assert used(encoder) is not one


def test_builds_in_two_threads_have_networks_of_their_own(encoder):
    here, there = used(encoder), []
    thread = threading.Thread(target=lambda: there.append(used(encoder)))
    thread.start()
    thread.join()
    assert there[0] is not here


def test_a_network_of_another_package_is_not_kept(encoder, monkeypatch):
    monkeypatch.setattr(CheckpointEncoder, "is_ours", False)
    assert used(encoder) is not used(encoder)
