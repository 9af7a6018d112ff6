import pytest

from tasks.slides.csv_text import MOST_LETTERS, CsvTextError, csv_lines


def test_cells_come_line_by_line_and_a_cell_without_end_is_named():
    assert csv_lines('a,"b\nc"\n1,2') == [["a", "b\nc"], ["1", "2"]]
    assert csv_lines("") == []
    with pytest.raises(CsvTextError, match="line 2 is no CSV: field larger"):
        csv_lines(f'a\n"{"x" * (MOST_LETTERS + 1)}"\n')
