"""Two spellings of one id have one normal form, and two ids have two."""

import pytest

from tasks.slides.identifiers import Twice, normal_form, spelt_twice

SAME = [
    ("007", "7", "leading zeros"),
    ("P1", "p1", "capital letters"),
    ("1.0", "1", "how a number is written"),
    ("1,00", "1", "how a number is written"),
    ("1E+03", "1000", "capital letters and how a number is written"),
    ("p\u200b1", "p1", "invisible characters"),
    ("\ufeffp1", "p1", "invisible characters"),
    ("p\u00ad1", "p1", "invisible characters"),
    ("p1\ufe0f", "p1", "invisible characters"),
    ("p\u20601", "p1", "invisible characters"),
    ("\uff11\uff12", "12", "forms of the same characters"),
    ("p\u20131", "p-1", "forms of the same characters"),
    ("e\u0301", "\u00e9", "forms of the same characters"),
    ("a  b", "a b", "spaces"),
    ("\u04201", "P1", "letters of another alphabet that look alike"),
    ("TCGA-01-0007", "TCGA-1-7", "leading zeros"),
    ("P\u200b007", "p7", "invisible characters and capital letters and leading zeros"),
    ("p000", "p0", "leading zeros"),
    ("STRASSE", "stra\u00dfe", "capital letters"),
]
OTHER = [
    ("1", "10"),
    ("1.1", "1.10"),
    ("p1", "p2"),
    ("a b", "ab"),
    ("a-b", "a_b"),
    ("0", ""),
    ("100", "10"),
    ("p1001", "p101"),
    ("0100", "010"),
    ("1e3", "1000"),
]


@pytest.mark.parametrize(("one", "other", "difference"), SAME)
def test_what_means_the_same_is_found_either_way_round(one, other, difference):
    assert normal_form(one) == normal_form(other)
    assert list(spelt_twice([(2, one), (3, "else"), (4, other)])) == [Twice(2, 4, difference)]
    assert list(spelt_twice([(2, other), (4, one)])) == [Twice(2, 4, difference)]


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_differs_in_more_is_two_ids(one, other):
    assert not list(spelt_twice([(2, one), (3, other)]))


@pytest.mark.parametrize("text", [text for pair in SAME for text in pair[:2]])
def test_a_normal_form_is_its_own_normal_form(text):
    assert normal_form(normal_form(text)) == normal_form(text)
