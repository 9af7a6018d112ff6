"""A weight file is a whole safetensors file of finite numbers, or one sentence says what it is instead."""

import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from tasks.models.errors import ModelError
from tasks.models.weight_files import read_weights

WEIGHTS = {"a": torch.arange(4.0), "b": torch.ones(2, 2)}


def written(path, header, data=b"\x00" * 16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_weights_are_read_as_they_are(tmp_path):
    save_file(WEIGHTS, tmp_path / "w.safetensors", metadata={"format": "pt"})
    found = read_weights(tmp_path / "w.safetensors", "the file w")
    assert {name: value.tolist() for name, value in found.items()} == {
        name: value.tolist() for name, value in WEIGHTS.items()
    }


def test_a_header_of_the_length_that_a_pickle_begins_with_is_read(tmp_path):
    """The first byte of the file is then that of a pickle."""
    path = tmp_path / "w"
    header = json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode().ljust(0x80)
    written(path, header)
    assert path.read_bytes()[:1] == b"\x80"
    assert read_weights(path, "the file w")["a"].tolist() == [0.0] * 4


def pickled(path):
    torch.save(WEIGHTS, path)


def pickled_of_old(path):
    torch.save(WEIGHTS, path, _use_new_zipfile_serialization=False)


def cut(path, bytes_left):
    save_file(WEIGHTS, path)
    path.write_bytes(path.read_bytes()[:bytes_left])


def doubled(path):
    entry = '"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}'
    written(path, f"{{{entry}, {entry}}}".encode())


def pointer(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 93\n")


FILES = {
    "absent": (lambda path: None, "is not a file"),
    "a folder": (lambda path: path.mkdir(), "is not a file"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "a pointer": (pointer, "is a Git LFS pointer, not the weights; fetch them with `git lfs pull`"),
    "renamed": (pickled, r"is pickled by torch\.save, whatever it is called"),
    "renamed and old": (pickled_of_old, r"is pickled by torch\.save, whatever it is called"),
    "cut in the header": (lambda path: cut(path, 20), "is cut short, or not a safetensors file"),
    "cut in the weights": (lambda path: cut(path, -8), "is cut short: 24 of 32 bytes of weights are there"),
    "three bytes": (lambda path: path.write_bytes(b"abc"), "is cut short, or not a safetensors file"),
    "text": (lambda path: path.write_text("weights\n" * 100), "is cut short, or not a safetensors file"),
    "no JSON": (lambda path: written(path, b"{nothing}"), "is not a safetensors file: JSONDecodeError"),
    "no offsets": (lambda path: written(path, {"a": {}}), "is not a safetensors file: KeyError"),
    "of no type": (
        lambda path: written(path, {"a": {"dtype": "X", "shape": [4], "data_offsets": [0, 16]}}),
        "cannot be read as safetensors: SafetensorError",
    ),
    "doubled": (doubled, "names 'a' more than once"),
    "not finite": (
        lambda path: save_file({**WEIGHTS, "c": torch.tensor([1.0, torch.nan])}, path),
        "holds values that are not finite in 1 layers, first 'c'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_of_weights_is_said(tmp_path, name):
    make, said = FILES[name]
    path = tmp_path / "w.safetensors"
    make(path)
    with pytest.raises(ModelError, match=f"^network.init 'w.safetensors' {said}"):
        read_weights(path, "network.init 'w.safetensors'")
