"""Folds are pooled so that every held-out slide counts once, and arms are compared on all of them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tasks.artifacts.checkpoint import Checkpoint
from tasks.comparison.compare import compare_arms
from tasks.comparison.files import read_rows, read_summary
from tasks.comparison.job import ComparedCheckpoint, ComparedReport, ComparisonError
from tasks.comparison.rows.pooling import pool
from tasks.comparison.rows.prediction_units import tile_units
from tests._support.comparison_jobs import CLASSES, make_job, make_predictions, make_report, places

FOLDS = {0: ["s0", "s1"], 1: ["s2", "s3"], 2: ["s4", "s5"]}
MODELS = [(arm, seed) for arm in ("standard", "modulated") for seed in (0, 1)]


def checkpoint(folder, table, arm="standard", seed=0):
    """A model that gives every tile the margin of its row number in ``table``."""
    predictions = make_predictions(folder, table, np.arange(len(table), dtype=np.float64))
    return ComparedCheckpoint(arm, seed, Checkpoint(folder), predictions)


def report(folder, table, value, arm="standard", seed=0):
    found = make_report(folder, table, {"gap": np.full(len(table), value)})
    return ComparedReport(arm, seed, "smoothgrad", "deletion", False, found)


def of_fold(fold):
    table = places()
    return table[table["slide_id"].isin(FOLDS[fold])]


@pytest.fixture
def models(tmp_path):
    """Two arms and two seeds, three folds each."""
    return [
        (fold, checkpoint(tmp_path / f"{arm}{seed}{fold}", of_fold(fold), arm, seed))
        for arm, seed in MODELS
        for fold in (2, 0, 1)
    ]


@pytest.fixture
def reports(tmp_path):
    """Fold k scored k everywhere."""
    return [
        (fold, report(tmp_path / f"r{arm}{seed}{fold}", of_fold(fold), float(fold), arm, seed))
        for arm, seed in MODELS
        for fold in (2, 0, 1)
    ]


def test_the_tables_of_the_folds_stand_one_below_the_other(models, reports):
    found = pool(models, reports)
    assert [(item.arm, item.seed) for item in found.checkpoints] == MODELS
    for item in found.checkpoints:
        pd.testing.assert_frame_equal(
            item.predictions.table[["tile_id", "slide_id"]], places()[["tile_id", "slide_id"]]
        )
    # The third fold's tiles keep the logits that its own model gave them.
    margin = found.checkpoints[0].predictions.table["logit_1"] * 2
    np.testing.assert_array_equal(margin, np.tile(np.arange(60.0), 3))


def test_scores_are_pooled_and_what_was_spent_is_summed(models, reports):
    paid = [(fold, dataclasses.replace(item, report=with_counts(item.report))) for fold, item in reports]
    item = pool(models, paid).reports[0]
    means = item.report.scores.groupby("slide_id")["value"].mean().to_dict()
    assert means == {"s0": 0, "s1": 0, "s2": 1, "s3": 1, "s4": 2, "s5": 2}
    assert item.report.info.passes == {"forward": 21}
    assert item.report.info.excluded == {"flat": 6}
    assert [score.name for score in item.report.info.scores] == ["gap"]
    assert item.report.curves is None


def with_counts(found):
    info = found.info.model_copy(update={"passes": {"forward": 7}, "excluded": {"flat": 2}})
    (found.folder / "report.json").write_text(info.model_dump_json())
    return dataclasses.replace(found)


def test_the_words_name_how_many_folds_and_what_a_pooled_auroc_is(models, reports):
    words = pool(models, reports).words
    assert words.startswith("each arm and seed pools the held-out slides of 3 folds, one model each")
    assert "a pooled AUROC mixes the scores of several models" in words


def test_without_folds_all_is_as_it_was(models, reports):
    plain = [(None, item) for _, item in models[:2]], [(None, item) for _, item in reports[:2]]
    found = pool(*plain)
    assert found.checkpoints == (models[0][1], models[1][1])
    assert found.reports == (reports[0][1], reports[1][1])
    assert found.words == ""


def test_a_slide_that_two_folds_hold_out_is_refused(tmp_path, models, reports):
    twice = [(0, checkpoint(tmp_path / "a", of_fold(0))), (1, checkpoint(tmp_path / "b", of_fold(0)))]
    with pytest.raises(ComparisonError, match="standard, seed 0: slide 's0' is held out by 2 folds"):
        pool(twice, [])
    scored = [*reports[1:3], (2, reports[1][1])]
    with pytest.raises(ComparisonError, match="slide 's0' is held out by 2 folds"):
        pool(models, scored)


def test_what_lacks_a_fold_is_left_out(models, reports):
    found = pool(models[1:], reports[:-1])
    assert [(item.arm, item.seed) for item in found.checkpoints] == MODELS[1:]
    assert [(item.arm, item.seed) for item in found.reports] == MODELS[:-1]


def test_a_fold_that_nobody_has_is_missed_by_nobody(models, reports):
    found = pool([m for m in models if m[0] != 1], [r for r in reports if r[0] != 1])
    assert len(found.checkpoints) == 4
    assert len(found.reports) == 4
    assert "2 folds" in found.words


def test_a_pooled_auroc_mixes_scales(tmp_path):
    """Each fold ranks its own tiles rightly, but one scores all higher: pooled, the area falls below one."""
    models = []
    for fold, shift in ((0, 0.0), (1, 10.0)):
        table = of_fold(fold)
        table = table[table["label"] != "mixed"]
        margin = np.where(table["label"] == "tumour", 1.0, -1.0) + shift
        made = checkpoint(tmp_path / str(fold), table)
        models.append(
            (
                fold,
                dataclasses.replace(made, predictions=make_predictions(tmp_path / f"p{fold}", table, margin)),
            )
        )
    areas = [area(item.predictions) for _, item in models]
    assert areas == [1.0, 1.0]
    # Of all pairs of a tumour and a normal tile, a quarter is of a low tumour tile and a high normal one.
    assert area(pool(models, []).checkpoints[0].predictions) == pytest.approx(0.75, abs=0.01)


def area(predictions):
    units = tile_units(predictions, CLASSES, 1)
    scores, positive = units.probability[:, 1], units.truth == 1
    return float((scores[positive][:, None] > scores[~positive][None]).mean())


def test_arms_are_compared_on_the_slides_of_all_folds_as_if_they_were_of_one_model(tmp_path):
    """What is parted by slide and pooled again gives the very rows of the whole."""
    job = make_job(tmp_path / "job")
    models, reports = [], []
    for fold, slides in FOLDS.items():
        for number, item in enumerate(job.checkpoints):
            folder = tmp_path / f"m{fold}{number}"
            table = item.predictions.table
            part = table[table["slide_id"].isin(slides)]
            margin = (part["logit_1"] * 2).to_numpy()
            own = part.drop(columns=["logit_0", "logit_1"])
            made = make_predictions(folder, own, margin)
            models.append((fold, dataclasses.replace(item, predictions=made)))
        for number, item in enumerate(job.reports):
            reports.append(
                (
                    fold,
                    dataclasses.replace(
                        item, report=parted(item.report, slides, tmp_path / f"r{fold}{number}")
                    ),
                )
            )
    found = pool(models, reports)
    folded = dataclasses.replace(
        job, checkpoints=found.checkpoints, reports=found.reports, pooling=found.words
    )
    for name, one in (("whole", job), ("folded", folded)):
        (tmp_path / name).mkdir()
        compare_arms(one, tmp_path / name)
    pd.testing.assert_frame_equal(read_rows(tmp_path / "folded"), read_rows(tmp_path / "whole"))
    assert read_summary(tmp_path / "whole").pooling == ""
    pages = [(tmp_path / name / "comparison.md").read_text() for name in ("whole", "folded")]
    told = [line for line in pages[1].splitlines() if line not in pages[0].splitlines()]
    assert told == [f"- E{found.words[1:]}."]


def parted(found, slides, folder):
    folder.mkdir()
    scores = found.scores
    scores[scores["slide_id"].isin(slides)].to_parquet(folder / "scores.parquet", index=False)
    (folder / "report.json").write_text(found.info.model_dump_json())
    return type(found)(folder)
