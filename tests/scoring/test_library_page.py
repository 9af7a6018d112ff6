"""What docs/library.md shows is what happens."""

import os
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from tasks.scoring.job import ScoreJob, score_job
from tasks.slides.qupath_objects import read_qupath_objects
from tests._support.snippets import ROOT, blocks

PAGE = "docs/library.md"
STUDY = ("generate_cohort(", "run_study(", "open_results(")
"""What marks the blocks that make and read a study; they are run in a process of their own."""


def of_a_study(block):
    return any(word in block for word in STUDY)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The folder in which the Python of the page was run, block after block, and the tables it made."""
    folder, names, tables = tmp_path_factory.mktemp("page"), {}, []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in blocks(PAGE):
            if not of_a_study(block):
                exec(compile(block, PAGE, "exec"), names)
                tables.append(names["table"])
    return folder, tables


def test_the_right_map_wins_and_the_wrong_one_is_marked(page):
    given = page[1][0]
    flags = given.means.query("metric == 'deletion' and score == 'gap'").set_index("explainer")["flag"]
    assert flags["window"] == ""
    assert given.unavailable == {"local_lipschitz": "not available: needs an explainer"}
    ranks = given.means.query("metric == 'rank_accuracy' and score == 'corrected'").set_index("explainer")
    assert ranks.loc["window", "mean"] == 1.0
    assert ranks.loc["corner", "flag"] == "behind random_map"


def test_explainers_answer_everything(page):
    called = page[1][1]
    assert called.unavailable == {}
    assert set(called.controls) == {"random_map", "optical_density"}
    gaps = called.means.query("metric == 'deletion' and score == 'gap'").set_index("explainer")["flag"]
    assert (gaps[["gradient", "ig", "smooth"]] == "").all()
    assert (page[0] / "my_report" / "report.md").is_file()


def test_the_object_of_the_page_is_read_back(page):
    (nest,) = read_qupath_objects(page[0] / "nests.geojson")
    assert (nest.name, nest.class_name, nest.class_colour) == ("nest 1", "Tumor", (200, 0, 0))
    assert nest.measurements == {"mean attribution": 0.25}


def test_the_job_of_the_page_runs(page):
    (job,) = blocks(PAGE, "yaml")
    folder = score_job(ScoreJob.model_validate(yaml.safe_load(job)), page[0])
    assert folder == page[0] / "report"
    means = pd.read_csv(folder / "means.csv")
    assert set(means["explainer"]) == {"window", "corner", "random_map"}
    assert set(means["scored"]) == {12}
    assert "- `local_lipschitz`: not available: needs an explainer" in (folder / "report.md").read_text()


def test_the_page_names_every_column_and_every_mask():
    from tasks.scoring.index import COLUMNS

    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert all(f"`{column}`" in text for column in COLUMNS)


@pytest.mark.slow
def test_the_study_of_the_page_runs_and_its_results_open(tmp_path):
    code = "\n".join(block for block in blocks(PAGE) if of_a_study(block))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "22 made, 0 reused" in done.stdout
    assert "('normal', 'tumour')" in done.stdout
    assert "random_map" in done.stdout
