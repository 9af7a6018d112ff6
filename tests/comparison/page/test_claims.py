"""The page where claims were made, with few arms and with fourteen."""

import dataclasses
import itertools
import json

import pytest

from tasks.comparison.compare import compare_arms, compared_rows
from tasks.comparison.page.claims import verdict_counts
from tasks.comparison.page.document import write_page
from tasks.comparison.page.main_findings import main_findings
from tasks.comparison.page.reading import spreads
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.summary import summarise
from tasks.comparison.wording import with_interval
from tasks.statistics.printing import number
from tests._support.claim_jobs import GAINS, METHODS, claim, make_claims_job

FEW = (
    claim(id="second", says="a second claim of secret-7", margin=0.01),
    claim(primary=True),
    claim(id="kept", endpoint="performance/tile.auroc", expected="not_lower", margin=0.4),
    claim(id="purer", endpoint="model/consistency.purity"),
    claim(id="lost", arm="absent"),
)
MANY = (
    claim(arm="scaat", primary=True),
    claim(id="beats_random", arm="scaat", against="scaat_random_mask"),
    claim(id="purer", arm="consistency", endpoint="model/consistency.purity"),
)


def told(job):
    rows = compared_rows(job)
    return write_page(summarise(job, rows), rows)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return make_claims_job(tmp_path_factory.mktemp("few"), {"standard": 0.0, "better": 0.3}, FEW)


@pytest.fixture(scope="module")
def few_page(few):
    return told(few)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return make_claims_job(tmp_path_factory.mktemp("many"), GAINS, MANY, seeds=(0, 1), slides=6)


@pytest.fixture(scope="module")
def many_page(many):
    return told(many)


def lines_between(page, start, end):
    lines = page.splitlines()
    return lines[lines.index(start) + 1 : lines.index(end)]


def test_claims_come_right_after_the_main_findings(few_page):
    headings = [line for line in few_page.splitlines() if line.startswith("## ")]
    assert headings[:4] == ["## Main findings", "## Claims", "## Prediction", "## The network itself"]


def test_each_claim_is_one_line_the_primary_one_first(few_page):
    lines = [line for line in lines_between(few_page, "## Claims", "## Prediction") if line.startswith("| ")]
    head = (
        "paper | claim | endpoint | difference | p | detectable | sd: seed / cluster / both | verdict | why"
    )
    assert lines[0] == f"| {head} |"
    cells = [line.split(" | ")[1].partition(":")[0] for line in lines[2:]]
    assert cells == ["**primary** more_faithful", "second", "kept", "purer", "lost"]


def test_a_line_holds_number_interval_means_p_detectable_verdict_and_why(few, few_page):
    row = next(row for row in compared_rows(few) if row.claim == "more_faithful")
    line = next(line for line in few_page.splitlines() if "**primary** more_faithful" in line)
    interval = f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
    means = f"({row.mean:.3f} against {row.mean_against:.3f})"
    assert line == (
        "| arXiv:0000.00001 | **primary** more_faithful: its maps are more faithful | "
        f"smoothgrad/deletion.gap, higher | better minus standard: {interval} {means} | {number(row.p)} | "
        f"{row.detectable:.3f} | {spreads(row)} | **reproduced** | {row.reason}. {row.narrows} |"
    )


@pytest.mark.parametrize(
    "said",
    [
        "Named before the run. 1 primary: 1 reproduced, 0 reversed, 0 equivalent, 0 cannot tell, 0 not "
        "tested. 4 secondary: 3 reproduced, 0 reversed, 0 equivalent, 1 cannot tell, 0 not tested.",
        "(Holm, 3 tests)",
        "| smoothgrad/deletion.gap, higher; within 0.010 of 0 as good as none |",
        "| performance/tile.auroc, not lower by more than 0.400 |",
        "| **cannot tell** | smoothgrad/deletion.gap was not evaluated for absent |",
        "- Claims were named before the run and come next. All other differences are exploratory.",
        "| consistency.purity \u2191 | 0.",
        "Each slide then has a jackknife pseudo-value",
        "- Secondary, the network: ",
        "| model/consistency.purity \u2191 | better |",
    ],
)
def test_the_page_says(few_page, said):
    assert said in few_page


def test_no_patient_is_named_in_a_claim(few_page):
    assert "a second claim of patient:" in few_page
    assert "secret-7" not in few_page


def test_verdicts_are_counted(few):
    rows = [row for row in compared_rows(few) if row.kind == "claim"]
    made = [
        dataclasses.replace(rows[0], verdict=v)
        for v in ("reversed", "cannot tell", "cannot tell", "not tested")
    ]
    assert verdict_counts(made) == "0 reproduced, 1 reversed, 0 equivalent, 2 cannot tell, 1 not tested"


def test_claims_are_in_the_summary_with_their_figures(few, tmp_path):
    compare_arms(few, tmp_path)
    found = json.loads((tmp_path / "comparison.json").read_text())["claims"]
    assert [item["claim"]["id"] for item in found] == ["more_faithful", "second", "kept", "purer", "lost"]
    assert found[0]["verdict"] == "reproduced"
    assert found[0]["figures"]["value"] == pytest.approx(0.3, abs=0.03)
    assert found[0]["figures"]["p_holm"] == found[0]["figures"]["p"]
    assert (found[0]["clusters"], found[0]["seeds"], found[0]["units"]) == (12, 4, 576)
    assert found[2]["figures"]["p_within_holm"] is None
    assert set(found[4]["figures"].values()) == {None}


def test_without_claims_there_is_no_section(few):
    assert "## Claims" not in told(dataclasses.replace(few, recipe=ComparisonRecipe()))


def test_many_arms_are_lines_of_every_table(many_page):
    """Fourteen arms as columns of intervals would be wider than any page."""
    heads = [above for above, line in itertools.pairwise(many_page.splitlines()) if line.startswith("| ---")]
    assert max(head.count(" |") for head in heads) <= 9
    for head in heads:
        assert not set(head.strip("| ").split(" | ")) & set(METHODS[1:]) - {"consistency"}, head


def test_every_table_row_has_as_many_cells_as_its_head(many_page):
    for above, line in itertools.pairwise(many_page.splitlines()):
        if above.startswith("| ") and line.startswith("| "):
            assert above.count(" |") == line.count(" |"), line


def test_many_arms_lose_no_figure(many, many_page):
    rows = compared_rows(many)
    differences = [row for row in rows if row.kind == "difference"]
    assert len(differences) == 13 * (8 + 4 + 1)
    section = lines_between(
        many_page, "## Differences from standard", "## Explainers against the strongest control"
    )
    titles = [line for line in section if line.startswith("### ")]
    assert titles[:1] == ["### performance/tile.accuracy \u2191"]
    assert len(titles) == 13
    assert sum(line.startswith("| ") for line in section) == len(differences) + 2 * len(titles)
    gap = section[section.index("### smoothgrad/deletion.gap \u2191") :]
    scaat = next(row for row in differences if (row.name, row.arm) == ("smoothgrad/deletion.gap", "scaat"))
    shown = next(line for line in gap if line.startswith("| scaat |"))
    assert shown.startswith(f"| scaat | {with_interval(scaat)} | {number(scaat.p)} |")


def test_maps_of_many_arms_have_a_table_a_score_with_controls_in_it(many_page):
    section = lines_between(many_page, "## Faithfulness", "## Differences from standard")
    assert (
        "| arm | smoothgrad | gradient | *random_map* | *optical_density* | *untrained_network* |" in section
    )
    assert [line for line in section if line.startswith("### ")] == [
        "### deletion.gap \u2191",
        "### deletion.gini",
    ]


def test_a_flagged_map_is_marked_among_many_arms(tmp_path):
    gains = {f"arm{number}": 0.0 for number in range(5)} | {"hollow": -0.6}
    page = told(make_claims_job(tmp_path, gains, seeds=(0,), slides=5))
    section = lines_between(page, "### deletion.gap \u2191", "### deletion.gini")
    cells = next(line for line in section if line.startswith("| hollow |")).split(" | ")
    assert [cell.endswith("\N{DAGGER}") for cell in cells] == [False, True, True, False, False, False]
    assert not any("\N{DAGGER}" in line for line in section if line.startswith("| arm"))


def test_five_arms_are_columns_and_six_are_lines(tmp_path):
    for count, told_as in ((5, "| score | arm0 |"), (6, "| tile level | accuracy")):
        gains = {f"arm{number}": 0.1 * number for number in range(count)}
        assert told_as in told(make_claims_job(tmp_path / str(count), gains, seeds=(0,), slides=5))


def test_of_many_significant_differences_a_dozen_are_named(many):
    rows = compared_rows(many)
    made = [dataclasses.replace(row, p_holm=0.001) if row.kind == "difference" else row for row in rows]
    line = next(t for t in main_findings(summarise(many, rows), made) if "Secondary, faithfulness" in t)
    assert "52 of 52 differences are significant" in line
    assert line.count("deletion.") == 12
    assert "; and 40 more in the tables." in line
