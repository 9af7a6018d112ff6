"""What is explained already."""

import pandas as pd
import torch

from tasks.explaining.progress import Progress


def rows(span: slice) -> pd.DataFrame:
    return pd.DataFrame({"tile_id": [f"t{i}" for i in range(span.start, span.stop)], "target": 1})


def test_a_span_is_kept_across_processes_and_forgotten_at_the_end(tmp_path):
    first, second = slice(0, 64), slice(64, 100)
    progress = Progress(tmp_path, 100, 8)
    assert not progress.has(first)
    progress.keep(second, torch.full((36, 8, 8), 2.0), rows(second))
    again = Progress(tmp_path, 100, 8)
    assert again.has(second)
    assert not again.has(first)
    again.keep(first, torch.full((64, 8, 8), 1.0), rows(first))
    assert again.index()["tile_id"].tolist() == [f"t{i}" for i in range(100)]
    again.forget()
    assert list(tmp_path.iterdir()) == []


def test_an_array_that_nothing_vouches_for_is_begun_anew(tmp_path):
    (tmp_path / "attributions.zarr").mkdir()
    assert not Progress(tmp_path, 10, 8).has(slice(0, 10))
