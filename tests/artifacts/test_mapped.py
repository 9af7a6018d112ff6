"""Mapped files equal what numpy reads, hold no descriptor, and go when nothing refers to them."""

import gc
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.mapped import mapped_array


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def maps_of(path: Path) -> int:
    return sum(str(path) in line for line in Path("/proc/self/maps").read_text().splitlines())


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.arange(6, dtype=np.float64).reshape(3, 2),
        np.asfortranarray(np.arange(12, dtype=np.int16).reshape(3, 4)),
        np.array(7.5),
        np.zeros((0, 4, 4, 3), np.uint8),
    ],
)
def test_it_is_what_numpy_reads(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    found = mapped_array(tmp_path / "a.npy")
    assert (found.shape, found.dtype) == (array.shape, array.dtype)
    np.testing.assert_array_equal(found, np.load(tmp_path / "a.npy"))
    with pytest.raises(ValueError, match="read-only"):
        found[...] = 1


def test_many_are_held_without_a_descriptor_and_unmapped_when_dropped(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(4096, dtype=np.uint8))
    before = descriptors()
    held = [mapped_array(tmp_path / "a.npy") for _ in range(50)]
    assert descriptors() == before
    assert maps_of(tmp_path / "a.npy") == 50
    part = held[7][100:200]
    del held
    gc.collect()
    assert maps_of(tmp_path / "a.npy") == 1
    assert part.tolist() == [value % 256 for value in range(100, 200)]
    del part
    gc.collect()
    assert maps_of(tmp_path / "a.npy") == 0


def test_what_is_no_array_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(4096, dtype=np.uint8))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(data[:1000])
    (tmp_path / "text.npy").write_bytes(b"no array at all")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"cut\.npy ends before its array does"):
        mapped_array(tmp_path / "cut.npy")
    with pytest.raises(ValueError, match="magic"):
        mapped_array(tmp_path / "text.npy")
    with pytest.raises(ValueError, match="holds Python objects"):
        mapped_array(tmp_path / "objects.npy")
    with pytest.raises(FileNotFoundError):
        mapped_array(tmp_path / "absent.npy")
