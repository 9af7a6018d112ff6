"""What is explained already."""

import numpy as np
import pandas as pd
import pytest
import zarr

from tasks.artifacts.attributions import ATTRIBUTIONS, SHARD, shard_files
from tasks.explaining.progress import Progress

COUNT = SHARD + 44
FIRST, SECOND = slice(0, SHARD), slice(SHARD, COUNT)


def rows(span: slice) -> pd.DataFrame:
    return pd.DataFrame({"tile_id": [f"t{i}" for i in range(span.start, span.stop)], "target": 1})


def filled(progress: Progress, span: slice, value: float) -> np.ndarray:
    maps = progress.room(span)
    maps[:] = value
    return maps


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_span_is_kept_across_processes_and_forgotten_at_the_end(tmp_path, dtype):
    progress = Progress(tmp_path, COUNT, 8, dtype)
    assert list(progress.spans()) == [FIRST, SECOND]
    assert not progress.has(FIRST)
    progress.keep(SECOND, filled(progress, SECOND, 2), rows(SECOND))
    again = Progress(tmp_path, COUNT, 8, dtype)
    assert again.has(SECOND)
    assert not again.has(FIRST)
    again.keep(FIRST, filled(again, FIRST, 1), rows(FIRST))
    assert again.index()["tile_id"].tolist() == [f"t{i}" for i in range(COUNT)]
    maps = zarr.open_array(again.maps_folder, mode="r")
    assert maps.dtype == dtype
    assert [maps[0, 0, 0], maps[SHARD - 1, 7, 7], maps[SHARD, 0, 0], maps[COUNT - 1, 7, 7]] == [1, 1, 2, 2]
    again.forget()
    assert list(tmp_path.iterdir()) == []


def test_an_array_that_nothing_vouches_for_is_begun_anew(tmp_path):
    (tmp_path / ATTRIBUTIONS).mkdir()
    assert not Progress(tmp_path, 10, 8, "float32").has(slice(0, 10))


@pytest.mark.parametrize("left", [b"", b"half a file"])
def test_what_a_kill_left_of_an_unfinished_file_is_removed(tmp_path, left):
    progress = Progress(tmp_path, COUNT, 8, "float16")
    progress.keep(FIRST, filled(progress, FIRST, 1), rows(FIRST))
    (whole,) = shard_files(progress.maps_folder, 0)
    strays = [whole.with_name("c.1.0.0"), whole.with_name("c.1.0.some.partial")]
    for stray in strays:
        stray.write_bytes(left)
    again = Progress(tmp_path, COUNT, 8, "float16")
    assert shard_files(again.maps_folder, 0) == [whole]
    assert shard_files(again.maps_folder, 1) == []
    again.keep(SECOND, filled(again, SECOND, 2), rows(SECOND))
    assert sorted(path.name for path in again.maps_folder.iterdir()) == ["c.0.0.0", "c.1.0.0", "zarr.json"]


def test_maps_are_filled_beside_those_that_are_written(tmp_path):
    progress = Progress(tmp_path, COUNT, 8, "float16")
    # Also where every second file is missing, as whatever is written next takes the other room.
    first, second, third = (progress.room(span) for span in (FIRST, FIRST, SECOND))
    assert first.shape == (SHARD, 8, 8)
    assert third.shape == (COUNT - SHARD, 8, 8)
    assert not np.shares_memory(first, second)
    assert np.shares_memory(first, third)


def test_no_maps_at_all(tmp_path):
    progress = Progress(tmp_path, 0, 8, "float16")
    assert list(progress.spans()) == []
    assert progress.index().columns.tolist() == [
        "tile_id", "target", "completeness_error", "map_sum", "map_scale"
    ]  # fmt: skip
