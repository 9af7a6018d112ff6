"""Figures as people read them."""

from tasks.statistics.printing import interval, number, table


def test_numbers_keep_three_digits():
    assert number(0.12345) == "0.123"
    assert number(-2.0) == "\N{MINUS SIGN}2.000"
    assert number(0.00001234) == "1.23e\N{MINUS SIGN}05"
    assert number(float("nan")) == "\N{EN DASH}"


def test_an_interval_stands_behind_its_figure_where_there_is_one():
    assert interval(0.5, 0.25, 1.0) == "0.500 [0.250, 1.000]"
    assert interval(0.5, float("nan"), float("nan")) == "0.500"
    assert interval(*[float("nan")] * 3) == "\N{EN DASH}"


def test_a_table_holds_bars_and_line_breaks_apart():
    assert table(("a|b", "c"), [("x\ny", "z")]) == ["| a\\|b | c |", "| --- | --- |", "| x y | z |"]
