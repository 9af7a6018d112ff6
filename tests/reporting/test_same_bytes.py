"""Drawings depend on the study only: not on the clock, paths, or the order of dictionaries and sets."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.reporting.review.write import write_review
from tests._support.review_jobs import make_review

ROOT = Path(__file__).parents[2]
DRAW = """
import sys
from pathlib import Path
from tasks.reporting.heatmaps.draw import draw_slide
from tasks.reporting.review.write import write_review
from tests._support.heatmap_jobs import make_job
from tests._support.review_jobs import make_review
home = Path(sys.argv[1])
for name in ("heatmaps", "review"):
    (home / "out" / name).mkdir(parents=True)
draw_slide(make_job(home / "heatmap_job"), home / "out" / "heatmaps")
write_review(make_review(home / "review_job"), home / "out" / "review")
"""


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_review(tmp_path_factory.mktemp("job"))


@pytest.fixture(scope="module")
def page(job, tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    write_review(job, out)
    return contents(out)


def test_a_review_page_written_twice_has_the_same_bytes(job, page, tmp_path):
    write_review(job, tmp_path)
    assert contents(tmp_path) == page


def test_the_order_in_which_maps_and_reports_came_in_does_not_matter(job, tmp_path):
    def backwards(mapping):
        return dict(reversed(mapping.items()))

    turned = replace(
        job,
        maps=backwards(job.maps),
        reports=backwards(job.reports),
        predictions=backwards(job.predictions),
        failed=backwards({**job.failed, "explain/other": "why"}),
    )
    (tmp_path / "a").mkdir()
    write_review(turned, tmp_path / "a")
    ordered = replace(job, failed={"explain/other": "why", **job.failed})
    (tmp_path / "b").mkdir()
    write_review(ordered, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_other_processes_homes_and_hash_seeds_draw_the_same_bytes(tmp_path):
    """The names of the homes have different lengths, so that a path cannot hide in a compressed file."""
    drawn = []
    for seed, name in (("1", "home"), ("2", "a_much_longer_home")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", DRAW, str(tmp_path / name)]
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        drawn.append(contents(tmp_path / name / "out"))
    assert len(drawn[0]) == 12
    assert drawn[0].keys() == drawn[1].keys()
    assert [name for name in drawn[0] if drawn[0][name] != drawn[1][name]] == []
