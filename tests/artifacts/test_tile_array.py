"""Which tiles are meant by an index."""

import numpy as np
import pytest

from tasks.artifacts.tile_array import is_one, row_numbers, stored_array


@pytest.mark.parametrize("rows", [2, -1, slice(1, 4), slice(None, None, -2), [0, 3, 3], np.array([4, 1])])
def test_rows_are_those_that_numpy_would_take(rows):
    assert row_numbers(rows, 5).tolist() == np.atleast_1d(np.arange(5)[rows]).tolist()
    assert is_one(rows) == (np.arange(5)[rows].ndim == 0)


@pytest.mark.parametrize("rows", [5, -6, [0, 5], np.array([-6])])
def test_a_tile_that_is_not_there_is_an_error(rows):
    with pytest.raises(IndexError, match="among 5"):
        row_numbers(rows, 5)


def test_a_stored_array_is_mapped_and_cannot_be_written(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6, dtype=np.uint8).reshape(3, 2))
    array = stored_array(tmp_path / "a.npy")
    assert (array.shape, len(array), array.dtype) == ((3, 2), 3, np.uint8)
    assert isinstance(array, np.ndarray)
    with pytest.raises(ValueError, match="read-only"):
        array[0][0] = 1
