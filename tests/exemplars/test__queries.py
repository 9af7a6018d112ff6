import numpy as np
import pytest

from tasks.exemplars._queries import choose_queries, is_wrong


def chosen(logits, labels, count):
    found = choose_queries(np.array(logits, dtype=float), np.array(labels), count)
    return [(query.row, query.rule) for query in found]


LOGITS = [[5, 0], [0, 1], [9, 0], [3, 2.5], [0, 4], [0, 6]]
LABELS = [0, 1, 0, 0, 0, 0]


def test_the_rules_take_turns():
    assert chosen(LOGITS, LABELS, 3) == [(2, "surest"), (3, "least sure"), (5, "most wrong")]
    assert chosen(LOGITS, LABELS, 6)[3:] == [
        (0, "2nd surest"),
        (1, "2nd least sure"),
        (4, "2nd most wrong"),
    ]


def test_no_tile_is_chosen_twice_and_all_are_in_the_end():
    found = chosen(LOGITS, LABELS, 12)
    assert sorted(row for row, _ in found) == [0, 1, 2, 3, 4, 5]
    assert chosen([[1, 0]], [0], 3) == [(0, "surest")]


def test_a_tile_without_a_label_is_not_wrong_and_a_rule_without_tiles_passes_on():
    assert not is_wrong(np.array([[0.0, 9.0]]), np.array([-1])).any()
    assert chosen([[5, 0], [4, 0], [3, 0]], [0, 0, -1], 3) == [
        (0, "surest"),
        (2, "least sure"),
        (1, "2nd surest"),
    ]
    assert chosen([[0, 5], [4, 0], [3, 0]], [-1, 0, 0], 3)[0] == (0, "surest")


def test_probabilities_that_round_to_one_are_no_tie():
    """Trap: softmax of 50 and of 60 are both 1.0, and the earlier tile would be the surest."""
    assert chosen([[50, 0], [60, 0]], [0, 0], 1) == [(1, "surest")]


def test_a_constant_added_to_all_logits_changes_nothing():
    shifted = np.array(LOGITS, dtype=float) + np.array([[100], [-3], [7], [0], [50], [-50]])
    assert chosen(shifted, LABELS, 6) == chosen(LOGITS, LABELS, 6)


def test_ties_go_to_the_earlier_tile():
    assert chosen([[1, 0]] * 4, [0] * 4, 4) == [
        (0, "surest"),
        (1, "least sure"),
        (2, "2nd surest"),
        (3, "2nd least sure"),
    ]


def test_most_wrong_is_measured_against_the_label_and_not_against_the_second_logit():
    logits, labels = [[9, 0, 0], [5, 5, 5.1], [9, 8, 0], [8, 0, 7]], [0, 2, 2, 1]
    assert chosen(logits, labels, 3) == [(0, "surest"), (1, "least sure"), (2, "most wrong")]
    assert chosen(logits, [0, 2, 1, 1], 3)[2] == (3, "most wrong")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_are_the_first_of_more(count):
    assert chosen(LOGITS, LABELS, count) == chosen(LOGITS, LABELS, 6)[:count]
