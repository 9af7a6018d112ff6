"""What a person reads at the end, from stored tables of few and of many arms."""

import dataclasses
import io

import pytest
from rich.console import Console

from flows.commands.results import print_table
from tasks.comparison.compare import compared_rows
from tasks.comparison.files import TABLE
from tasks.comparison.row import table_of
from tests._support.claim_jobs import claim, make_claims_job


def printed(folder, gains, claims=()):
    rows = compared_rows(make_claims_job(folder / "job", gains, claims, seeds=(0,), slides=6))
    table_of(rows).to_parquet(folder / TABLE)
    console = Console(file=io.StringIO(), width=200)
    print_table(folder, console)
    return console.file.getvalue(), rows


def test_claims_on_explainers_say_which_is_taken_off_which(tmp_path):
    asked = claim(arm="standard", against="standard", against_explainer="gradient")
    text, _ = printed(tmp_path, {"standard": 0.0}, (asked,))
    assert "smoothgrad minus gradient, standard: " in text


def test_few_arms_are_columns_and_claims_come_first(tmp_path):
    text, rows = printed(tmp_path, {"standard": 0.0, "better": 0.3}, (claim(primary=True),))
    row = rows[-1]
    line = next(line for line in text.splitlines() if line.startswith("more_faithful"))
    assert line.split() == [
        "more_faithful", "smoothgrad/deletion.gap", "better", "minus", "standard:", f"{row.value:.3f}",
        f"[{row.low:.3f},", f"{row.high:.3f}]", *row.verdict.split(),
    ]  # fmt: skip
    assert text.index("more_faithful") < text.index("standard ") < text.index("tile.auroc")
    assert "consistency.purity" in text
    assert "clustered by slide (6)" in text


@pytest.mark.parametrize(("arms", "fits"), [(5, True), (6, False)])
def test_arms_that_do_not_fit_are_left_to_the_page(tmp_path, arms, fits):
    text, _ = printed(tmp_path, {f"arm{number}": 0.1 * number for number in range(arms)})
    assert ("tile.auroc" in text) == fits
    assert ("6 arms: their figures do not fit beside one another" in text) == (not fits)


def coloured(folder, rows):
    table_of(rows).to_parquet(folder / TABLE)
    console = Console(file=io.StringIO(), width=240, force_terminal=True, color_system="standard")
    print_table(folder, console)
    return console.file.getvalue()


GREEN, YELLOW = "\x1b[32m", "\x1b[33m"


def test_a_score_says_by_word_and_colour_whether_it_is_ahead_of_every_control(tmp_path):
    rows = compared_rows(make_claims_job(tmp_path / "job", {"standard": 0.0}, (), seeds=(0,), slides=6))
    score = next(row for row in rows if row.kind == "faithfulness" and row.name == "smoothgrad/deletion.gap")
    assert any(row.kind == "against_control" and row.name == score.name for row in rows)
    for flag, colour, words in (
        ("", GREEN, "ahead"),
        ("behind random_map", YELLOW, "not ahead"),
    ):
        changed = [dataclasses.replace(row, flag=flag) if row is score else row for row in rows]
        text = coloured(tmp_path, changed)
        line = next(each for each in text.splitlines() if "smoothgrad" in each and "deletion.gap" in each)
        figure = f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
        assert f"{colour}{figure} {words}\x1b[0m" in line
    assert "ahead" not in next(each for each in text.splitlines() if "(control)" in each)


def test_a_verdict_has_a_colour(tmp_path):
    job = make_claims_job(tmp_path / "job", {"standard": 0.0, "better": 0.3}, (claim(primary=True),))
    rows = compared_rows(job)
    for verdict, colour in (("reproduced", GREEN), ("cannot tell", YELLOW)):
        changed = [dataclasses.replace(r, verdict=verdict) if r.kind == "claim" else r for r in rows]
        assert f"{colour}{verdict}" in coloured(tmp_path, changed)
