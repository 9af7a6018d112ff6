"""The run for a lent GPU, rehearsed on the CPU: every section speaks, and a line is lost to nothing."""

import json

import pytest
import torch

from benchmarks import gpu, gpu_agreement, gpu_speed
from benchmarks.gpu import Budget, main, measured
from benchmarks.gpu_agreement import drawn_on_host, steps_agree
from benchmarks.gpu_setting import GpuSetting
from tasks.functional import weight_noise

TINY = GpuSetting.tiny("cpu")
ENDLESS = Budget(float("inf"))


@pytest.fixture
def few(monkeypatch):
    """Two explainers and two metrics of each kind; there are dozens."""
    for module in (gpu_agreement, gpu_speed):
        monkeypatch.setattr(module, "pixel_explainers", lambda: ("gradient", "noisegrad"))
    monkeypatch.setattr(gpu_agreement, "available", lambda package: ("gini", "deletion"))
    monkeypatch.setattr(gpu_speed, "SCORED", ("deletion",))
    monkeypatch.setattr(gpu_speed, "PRECISIONS", ("bf16", "fp32"))


def test_the_rehearsal_speaks_of_every_section_and_sums_up(few, capsys):
    main(["--tiny", "--device", "cpu"])
    *lines, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert list(dict.fromkeys(line["section"] for line in lines)) == ["machine", *gpu.SECTIONS]
    assert last["failed"] == last["skipped"] == last["disagree"] == []
    assert last["agrees"] == last["asked"] == {
        "step agreement": 1, "explainer agreement": 2, "metric agreement": 2,
    }  # fmt: skip
    assert set(last["tiles_per_second"]["explaining"]) == {"gradient", "noisegrad"}
    assert set(last["tiles_per_second"]["training"]) == {"resnet18/bf16", "resnet18/fp32"}
    assert set(last["waiting"]) == set(last["tiles_per_second"]["compiled training"])
    assert last["items"] == len(lines) - 1
    assert last["device"] == "cpu"


def test_what_no_time_is_left_for_is_said(few):
    lines = list(measured(GpuSetting.full("cpu"), Budget(0.0)))
    assert lines[0]["section"] == "machine"
    assert all(line["skipped"] == "0 s are left" for line in lines[1:])
    assert {line["section"] for line in lines[1:]} == set(gpu.SECTIONS)


def test_an_item_that_fails_costs_only_itself(few, monkeypatch):
    def broken(setting):
        yield "one", lambda: {}["nothing"]
        yield "two", lambda: {"apart": float("nan")}
        yield "three", lambda: {"apart": 1e-6}

    monkeypatch.setattr(gpu, "SECTIONS", {"step agreement": broken})
    lines = list(measured(TINY, ENDLESS))
    assert "KeyError: 'nothing' (<lambda>, line" in lines[1]["failed"]
    told = gpu.summary(TINY, lines)
    assert told["failed"] == ["step agreement: one"]
    assert told["disagree"] == ["step agreement: two"]
    assert (told["agrees"], told["asked"]) == ({"step agreement": 1}, {"step agreement": 2})


def test_a_device_with_other_numbers_is_seen(monkeypatch):
    """A device that rounds gradients to bfloat16."""
    gradient = gpu_agreement._gradient

    def rounding(setting, name, device):
        found = gradient(setting, name, "cpu")
        return found if device == "cpu" else found.bfloat16().double()

    monkeypatch.setattr(gpu_agreement, "_gradient", rounding)
    ((_, measure),) = steps_agree(GpuSetting.tiny("cuda"))
    assert 1e-3 < measure()["apart"] < 1e-2


def test_noise_of_weights_is_the_same_wherever_it_is_wanted():
    weights = torch.ones(3, 4)
    with drawn_on_host():
        inside = weight_noise._eta(weights, 5)
    assert torch.equal(inside, weight_noise._eta(weights, 5))
