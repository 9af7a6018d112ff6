"""What docs/library.md shows is what happens."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tasks.scoring.job import ScoreJob, carry_out

PAGE = Path(__file__).parents[2] / "docs" / "library.md"


def blocks(language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder in which all Python of the page was run, block after block, with what it printed."""
    folder, names, tables = tmp_path_factory.mktemp("page"), {}, []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in blocks("python"):
            exec(compile(block, str(PAGE), "exec"), names)
            tables.append(names["table"])
    return folder, tables


def test_the_right_map_wins_and_the_wrong_one_is_marked(place):
    given = place[1][0]
    flags = given.means.query("metric == 'deletion' and score == 'gap'").set_index("explainer")["flag"]
    assert flags["window"] == ""
    assert given.unavailable == {"local_lipschitz": "not available: needs an explainer"}
    ranks = given.means.query("metric == 'rank_accuracy' and score == 'corrected'").set_index("explainer")
    assert ranks.loc["window", "mean"] == 1.0
    assert ranks.loc["corner", "flag"] == "not informative here: random_map does as well or better"


def test_explainers_answer_everything(place):
    called = place[1][1]
    assert called.unavailable == {}
    assert set(called.controls) == {"random_map", "optical_density"}
    gaps = called.means.query("metric == 'deletion' and score == 'gap'").set_index("explainer")["flag"]
    assert (gaps[["gradient", "ig", "smooth"]] == "").all()
    assert (place[0] / "my_report" / "report.md").is_file()


def test_the_job_of_the_page_runs(place):
    (job,) = blocks("yaml")
    folder = carry_out(ScoreJob.model_validate(yaml.safe_load(job)), place[0])
    assert folder == place[0] / "report"
    means = pd.read_csv(folder / "means.csv")
    assert set(means["explainer"]) == {"window", "corner", "random_map"}
    assert set(means["scored"]) == {12}
    assert "- `local_lipschitz`: not available: needs an explainer" in (folder / "report.md").read_text()


def test_the_page_names_every_column_and_every_mask():
    from tasks.scoring.index import COLUMNS

    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{column}`" in text for column in COLUMNS)
