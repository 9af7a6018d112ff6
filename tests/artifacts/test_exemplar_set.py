import pandas as pd
import pytest

from tasks.artifacts.exemplar_set import INFO, ExemplarInfo, ExemplarSet


def test_it_reads_what_was_written(tmp_path):
    info = ExemplarInfo(method={"name": "m"}, meanings={"b.png": "a picture"}, excluded={"reason": 2})
    (tmp_path / INFO).write_text(info.model_dump_json())
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(b"")
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "t.parquet")
    found = ExemplarSet(tmp_path)
    assert found.info == info
    assert [path.name for path in found.pictures] == ["a.png", "b.png"]
    assert [path.name for path in found.tables] == ["t.parquet"]
    assert found.table("t.parquet")["x"].tolist() == [1]


def test_an_info_cannot_be_changed():
    info = ExemplarInfo(method={}, meanings={}, excluded={})
    with pytest.raises(ValueError, match="frozen"):
        info.meanings = {}
