"""The whole page: what it contains, what it does not, and its size."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from tasks.reporting.review.budget import PAGE_BYTES
from tasks.reporting.review.job import ReviewedExplainer, ReviewError
from tasks.reporting.review.write import PAGE, write_review
from tests._support.review_jobs import (
    HOSTILE,
    MODELS,
    PATIENT,
    WHY,
    make_largest,
    make_review,
    scale_of,
    without_slides,
)

SCALE = scale_of(0.25, 4.0)


def parts(page: str) -> dict[str, dict]:
    """The data of a page by name."""
    found = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    return make_review(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def page(job, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    drawn: list[int] = []
    measures = write_review(job, out, drawn.append)
    text = (out / PAGE).read_text(encoding="utf-8")
    assert measures == {"slides": 2, "maps": 15, "bytes": len(text.encode())}
    assert sum(drawn) == 15
    return text


def test_no_patient_stands_in_the_page(page):
    assert PATIENT not in page


def test_what_is_missing_is_named_with_its_reason(page):
    found = parts(page)
    assert found["slide-1"]["missing"] == [[3, 0, WHY]]
    assert found["slide-0"]["missing"] == []
    assert found["slide-0"]["explained"] == [40, 40]
    assert found["study"]["failed"] == [[f"explain/{MODELS[3].label}/gradient/s2", WHY]]
    assert found["study"]["missing"] == []


def test_a_missing_report_and_a_slide_never_explained_say_why(job, tmp_path):
    failed = {f"train/{MODELS[1].label}": "no convergence"}
    reports = {key: value for key, value in job.reports.items() if key[0] != MODELS[1]}
    maps = {key: value for key, value in job.maps.items() if key[0] not in MODELS[1:3]}
    write_review(replace(job, reports=reports, maps=maps, failed=failed), tmp_path)
    found = parts((tmp_path / PAGE).read_text(encoding="utf-8"))
    assert [1, 0, "deletion", "no convergence"] in found["study"]["missing"]
    assert [1, 1, "no convergence"] in found["slide-0"]["missing"]
    assert [2, 0, "this step of the study has not been run"] in found["slide-0"]["missing"]


def test_the_studys_own_values_come_from_the_comparison(job, tmp_path):
    row = {
        "kind": "faithfulness",
        "arm": "standard",
        "explainer": "gradient",
        "metric": "deletion",
        "score": "gap",
    }
    row |= {"value": 0.123456, "low": 0.1, "high": float("nan"), "note": "n", "flag": "f", "seeds": 2}
    other = {**row, "kind": "performance", "metric": "tile", "score": "auroc"}
    pd.DataFrame([row, other]).to_parquet(tmp_path / "c.parquet")
    write_review(replace(job, comparison=tmp_path / "c.parquet"), tmp_path)
    found = parts((tmp_path / PAGE).read_text(encoding="utf-8"))["study"]
    figures = {"value": 0.12346, "low": 0.1, "high": None, "note": "n", "flag": "f", "seeds": 2}
    assert found["compared"] == {"standard": {"gradient/deletion.gap": figures}}
    assert found["performance"] == {"standard": [{"name": "tile auroc", **figures}]}


def test_a_given_scale_ends_the_colours_and_one_of_another_recipe_is_refused(job, tmp_path):
    given = replace(job, explainers=(ReviewedExplainer("gradient", scale=SCALE), job.explainers[1]))
    write_review(without_slides(given, "s1"), tmp_path)
    explainers = parts((tmp_path / PAGE).read_text(encoding="utf-8"))["study"]["explainers"]
    assert (explainers[0]["limit"], explainers[0]["tile_limit"]) == (0.25, 4.0)
    assert explainers[1]["limit"] not in (0.25, 1.0)
    other = ReviewedExplainer("gradient", scale=SCALE.model_copy(update={"smoothing_um": 9}))
    with pytest.raises(ReviewError, match="gradient is of percentile 99 after 9 um"):
        write_review(replace(given, explainers=(other,)), tmp_path)


def test_a_study_with_nothing_to_show_is_refused(job, tmp_path):
    with pytest.raises(ReviewError, match="has no slide"):
        write_review(replace(job, slides={}), tmp_path)


def test_equal_studies_make_equal_bytes(job, page, tmp_path):
    write_review(job, tmp_path)
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == page
    assert HOSTILE not in page


@pytest.mark.slow
def test_twelve_slides_of_noise_stay_below_the_limit(tmp_path):
    """6 arms, 3 seeds, 5 explainers, 8 scores: 1080 maps that cannot be compressed."""
    measures = write_review(make_largest(tmp_path), tmp_path)
    assert measures["maps"] == 1080
    assert measures["bytes"] < PAGE_BYTES
    for name, slide in parts((tmp_path / PAGE).read_text(encoding="utf-8")).items():
        if name != "study":
            assert all(number >= 0 for row in slide["layers"]["maps"] for number in row)
            assert min(slide["layers"]["width"], slide["layers"]["height"]) >= 24
            assert len(slide["details"]["tiles"]) >= 5
            assert slide["scores"]["kept"] == "all"
