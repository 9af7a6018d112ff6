"""Published files are read without running any code of theirs."""

import os

import pytest
import torch
from safetensors.torch import save_file

from tasks.models.errors import ModelError
from tasks.models.published_weights import read_published

WEIGHTS = {"a": torch.arange(4.0), "n": torch.tensor(3)}


@pytest.mark.parametrize("inside", [None, "state_dict", "model", "teacher"])
def test_tensors_of_torch_save_are_read_wherever_they_lie(tmp_path, inside):
    held = WEIGHTS if inside is None else {inside: WEIGHTS, "epoch": 3, "args": {"lr": 0.1}}
    torch.save(held, tmp_path / "w.pth")
    found = read_published(tmp_path / "w.pth", "the file w")
    assert {name: value.tolist() for name, value in found.items()} == {"a": [0, 1, 2, 3], "n": 3}


def test_halves_become_floats_and_whole_numbers_stay(tmp_path):
    half = {name: value.half() if value.is_floating_point() else value for name, value in WEIGHTS.items()}
    save_file(half, tmp_path / "w.safetensors")
    torch.save(half, tmp_path / "w.bin")
    for name in ("w.safetensors", "w.bin"):
        found = read_published(tmp_path / name, name)
        assert (found["a"].dtype, found["n"].dtype) == (torch.float32, torch.int64)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("run",)


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": torch.ones(2), "b": Evil()}, "w.pth")
    with pytest.raises(ModelError, match=r"^the file w cannot be read as weights alone.*UnpicklingError"):
        read_published(tmp_path / "w.pth", "the file w")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ([torch.ones(2)], "holds no tensors by name"),
        ({"epoch": 3}, "holds no tensors by name"),
        ({"a": torch.tensor([1.0, float("nan")])}, "not finite in 1 layers, first 'a'"),
    ],
)
def test_what_is_no_weights_is_refused(tmp_path, held, sentence):
    torch.save(held, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=sentence):
        read_published(tmp_path / "w.pth", "the file w")


def test_absent_and_other_files_are_refused(tmp_path):
    with pytest.raises(ModelError, match="the file w is not a file"):
        read_published(tmp_path / "w.pth", "the file w")
    (tmp_path / "w.pth").write_text("hello, I am a page that says you must log in")
    with pytest.raises(ModelError, match="not a safetensors file"):
        read_published(tmp_path / "w.pth", "the file w")
