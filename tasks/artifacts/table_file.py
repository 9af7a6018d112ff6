"""A Parquet file that is written piece by piece, with the bytes that the whole table would give."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 1 << 17
"""The most rows that are in memory at once, and that a reader must read at once."""


def write_table(pieces: Iterable[pd.DataFrame], path: Path, row_group: int = ROW_GROUP) -> None:
    """Write ``pieces``, of which there is at least one, below each other into the Parquet file ``path``.

    A table of at most ``row_group`` rows gives the bytes of ``DataFrame.to_parquet(path, index=False)``.
    """
    coming = iter(pieces)
    held = [pa.Table.from_pandas(next(coming), preserve_index=False)]
    schema = held[0].schema
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        for piece in coming:
            held.append(pa.Table.from_pandas(piece, schema=schema, preserve_index=False))
            if sum(map(len, held)) > row_group:
                held = [_write_full(writer, pa.concat_tables(held), row_group)]
        _write_all(writer, pa.concat_tables(held), row_group)


def _write_all(writer: pq.ParquetWriter, table: pa.Table, row_group: int) -> None:
    for start in range(0, max(1, len(table)), row_group):
        writer.write_table(table.slice(start, row_group).combine_chunks())


def _write_full(writer: pq.ParquetWriter, table: pa.Table, row_group: int) -> pa.Table:
    """Write full row groups of ``table`` and return its other rows, of which there is at least one."""
    full = (len(table) - 1) // row_group * row_group
    _write_all(writer, table.slice(0, full), row_group)
    # A copy, as a slice would keep the whole table in memory.
    return pa.Table.from_batches(table.slice(full).combine_chunks().to_batches(), table.schema)
