"""Which intervals stand on fewer patients is told."""

from tasks.comparison.row import Row
from tasks.comparison.summary import clustering_notes


def row(metric, note):
    return Row(kind="faithfulness", arm="a", metric=metric, score="s", value=0.0, note=note)


def test_the_commonest_stands_alone_and_others_name_their_metrics():
    rows = [
        row("evidence", "by 7"),
        row("gap", "by 10"),
        row("gini", "by 10"),
        row("rank", "by 7"),
        row("gap", "by 10"),
    ]
    assert clustering_notes([*rows, row("evidence", "by 7"), row("gap", "by 10"), row("lone", "")]) == (
        "by 10",
        "by 7: evidence, rank",
    )


def test_one_sentence_for_all_is_said_once():
    assert clustering_notes([row("gap", "by 10"), row("gini", "by 10")]) == ("by 10",)
    assert clustering_notes([]) == ()
