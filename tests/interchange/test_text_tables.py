import pytest

from tasks.interchange.errors import InterchangeError
from tasks.interchange.text_tables import need_columns, read_text_table, same_within, write_manifest


def test_ids_stay_text_with_their_zeros(tmp_path):
    (tmp_path / "a.csv").write_text("\ufeffcase , n\n 007,NA\n1.0,\n", encoding="utf-8")
    (tmp_path / "b.tsv").write_text("case\tn\n007\tNA\n1.0\t\n", encoding="utf-8")
    for name in ("a.csv", "b.tsv"):
        table = read_text_table(tmp_path / name)
        assert table.to_dict("list") == {"case": ["007", "1.0"], "n": ["NA", ""]}


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(InterchangeError, match=r"a.csv cannot be read"):
        read_text_table(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes(b"a\n\xff\xfe")
    with pytest.raises(InterchangeError, match=r"b.csv is no table in UTF-8"):
        read_text_table(tmp_path / "b.csv")


def test_absent_columns_and_two_values_within_one_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("case,label\n1,x\n2,y\n1,y\n", encoding="utf-8")
    table = read_text_table(tmp_path / "a.csv")
    with pytest.raises(InterchangeError, match="has no column 'slide'; there are: case, label"):
        need_columns(table, ["slide"], "a.csv")
    with pytest.raises(InterchangeError, match="case '1' has the label 'x' in one row and 'y' in another"):
        same_within(table, "case", "label", "a.csv")
    assert same_within(table.iloc[:2], "case", "label", "a.csv") == {"1": "x", "2": "y"}


def test_a_manifest_has_the_columns_that_hold_something(tmp_path):
    rows = [{"split": "train", "slide_id": "a", "site": "", "stain": "HE"}, {"slide_id": "b", "label": "x"}]
    write_manifest(tmp_path / "m.csv", rows)
    assert (tmp_path / "m.csv").read_text() == "slide_id,split,label,stain\na,train,,HE\nb,,x,\n"
