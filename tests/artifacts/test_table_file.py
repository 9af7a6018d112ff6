"""A table written in pieces has the bytes of the whole one."""

import gc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.artifacts.table_file import ROW_GROUP, write_table


def table_of(count: int) -> pd.DataFrame:
    """Return a table with the types of a report, with missing values and with text of every length."""
    rng = np.random.default_rng(count)
    return pd.DataFrame(
        {
            "unit": "tile",
            "unit_id": [f"slide_{i // 997}/{i * 224}_{'x' * (i % 13)}" for i in range(count)],
            "section": np.arange(count) // 7,
            "label": [None if i % 5 == 0 else "tumour" for i in range(count)],
            "value": np.where(rng.random(count) < 0.1, np.nan, rng.normal(size=count)),
            "chance": np.nan,
        }
    )


def pieces_of(table: pd.DataFrame, sizes: list[int]) -> list[pd.DataFrame]:
    ends = np.cumsum(sizes)
    assert ends[-1] == len(table)
    return [table.iloc[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def whole(table: pd.DataFrame, path: Path) -> bytes:
    table.to_parquet(path, index=False)
    return path.read_bytes()


@pytest.mark.parametrize("sizes", [[1], [3, 4], [1, 1, 1, 50], [5000, 3, 4096], [90000, ROW_GROUP - 90000]])
def test_the_bytes_are_those_of_the_whole_table(tmp_path, sizes):
    table = table_of(sum(sizes))
    write_table(pieces_of(table, sizes), tmp_path / "pieces")
    assert (tmp_path / "pieces").read_bytes() == whole(table, tmp_path / "whole")


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    write_table([table_of(3).iloc[:0]], tmp_path / "pieces")
    assert (tmp_path / "pieces").read_bytes() == whole(table_of(3).iloc[:0], tmp_path / "whole")


@pytest.mark.parametrize("size", [1, 6, 10, 37, 500])
def test_row_groups_are_full_wherever_the_pieces_end(tmp_path, size):
    """So the bytes depend on the rows, and not on the pieces that they came in."""
    table = table_of(500)
    pieces = [table.iloc[start : start + size] for start in range(0, len(table), size)]
    write_table(pieces, tmp_path / "pieces", row_group=100)
    found = pq.ParquetFile(tmp_path / "pieces")
    assert [found.metadata.row_group(i).num_rows for i in range(found.num_row_groups)] == [100] * 5
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "pieces"), table)
    table.to_parquet(tmp_path / "whole", index=False, row_group_size=100)
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()


def test_no_more_than_a_row_group_is_held(tmp_path):
    """Arrow's own count of bytes, while a table of forty row groups is written."""
    held = []

    def pieces():
        for _ in range(400):
            gc.collect(0)
            held.append(pa.total_allocated_bytes())
            yield table_of(100)

    write_table(pieces(), tmp_path / "pieces", row_group=1000)
    assert pq.ParquetFile(tmp_path / "pieces").metadata.num_rows == 40000
    assert max(held[200:]) <= max(held[:40]) + 4096
