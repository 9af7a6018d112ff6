"""What docs/slide_faithfulness.md shows is what happens."""

import yaml

from tasks.scoring.bags.job import BagScoreJob
from tests._support.snippets import blocks

PAGE = "docs/slide_faithfulness.md"


def test_the_code_of_the_page_runs(capsys):
    (code,) = blocks(PAGE)
    exec(compile(code, PAGE, "exec"), {})  # what a reader would paste
    said = capsys.readouterr().out
    assert "clustered by patient (6)" in said
    assert "| ig |" in said


def test_the_job_of_the_page_is_a_job():
    (job,) = blocks(PAGE, "yaml")
    assert set(BagScoreJob.model_validate(yaml.safe_load(job)).maps) == {"mine"}
