"""All files of a comparison, those that there is nothing for left out."""

import dataclasses

import pandas as pd
import pytest
from PIL import Image

from tasks.artifacts.key import ModelKey
from tasks.comparison.compare import compare_arms
from tasks.comparison.costs import training_costs
from tasks.comparison.files import AXES_FIGURE, FILES, MAP_AGREEMENT, read_rows
from tests._support.traced_jobs import make_traced_job

OF_TILES = tuple(name for name in FILES if name not in (AXES_FIGURE, MAP_AGREEMENT))
"""The files where models are asked about tiles."""


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_traced_job(tmp_path_factory.mktemp("extras"))


@pytest.fixture(scope="module")
def folder(job, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    compare_arms(job, out)
    return out


def test_all_files_are_written_and_no_other(folder):
    assert {path.name for path in folder.iterdir()} == set(OF_TILES)


def test_all_are_the_same_each_time_and_name_no_patient(job, folder, tmp_path):
    compare_arms(job, tmp_path)
    for name in OF_TILES:
        content = (folder / name).read_bytes()
        assert content == (tmp_path / name).read_bytes(), name
        assert b"secret-7" not in content, name


def test_the_page_shows_every_picture_that_was_drawn(folder):
    page = (folder / "comparison.md").read_text(encoding="utf-8")
    pictures = {path.name for path in folder.glob("*.png")}
    assert pictures == {"comparison.png", "curves.png", "pareto.png", "agreement.png"}
    for name in pictures:
        assert f"]({name})" in page
        with Image.open(folder / name) as picture:
            assert min(picture.size) > 300
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings[1:6] == [
        "## Prediction", "## Leaderboard", "## Accuracy against faithfulness", "## Curves",
        "## Do the metrics agree?",
    ]  # fmt: skip


def test_tables_agree_across_their_formats(folder):
    parquet, text = pd.read_parquet(folder / "leaderboard.parquet"), pd.read_csv(folder / "leaderboard.csv")
    assert list(parquet.columns) == list(text.columns)
    assert len(parquet) == len(text) == 6
    assert set(pd.read_csv(folder / "tiles.csv")["metric"]) == {"deletion", "place"}


def test_without_maps_only_the_four_are_written_and_the_page_shows_no_more(job, tmp_path):
    compare_arms(dataclasses.replace(job, reports=()), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"comparison.{e}" for e in ("md", "png", "json", "parquet")
    }
    page = (tmp_path / "comparison.md").read_text(encoding="utf-8")
    assert "Leaderboard" not in page
    assert page.count("![") == 1


def test_what_a_training_measured_enters_no_file(job, folder, tmp_path):
    """The same study made again, by a machine that took longer: every file is the same, pictures too."""
    again = make_traced_job(tmp_path / "again")
    quick, slow = ({ModelKey(i.arm, i.seed): {"seconds": s} for i in again.checkpoints} for s in (1.0, 9.0))
    assert not training_costs(quick, "standard").equals(training_costs(slow, "standard"))
    out = tmp_path / "out"
    out.mkdir()
    compare_arms(again, out)
    assert {path.name for path in out.iterdir()} == set(OF_TILES)
    for name in OF_TILES:
        assert (out / name).read_bytes() == (folder / name).read_bytes(), name
    assert not hasattr(again.checkpoints[0], "measures")
    assert "cost" not in set(read_rows(out)["kind"])
    assert "seconds" not in (out / "comparison.md").read_text(encoding="utf-8")
