"""Predictions of a slide model: one row per slide, the same as asking for each alone."""

import dataclasses

import numpy as np
import pytest
import torch

from tasks.artifacts.predictions import Predictions
from tasks.models.errors import ModelError
from tasks.models.predict_bags import predict_bags, write_bag_predictions
from tests._support.bag_models import SMALL, trained_bag_classifier
from tests._support.feature_sets import make_bag_cohort, make_feature_set


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return make_bag_cohort(tmp_path_factory.mktemp("features"), 8)


@pytest.fixture(scope="module")
def model(sets):
    return trained_bag_classifier(SMALL["abmil"], sets)


def test_a_slide_has_its_logits_and_their_softmax(sets, model, tmp_path):
    advanced = []
    measures = write_bag_predictions(predict_bags(model, sets, "cpu", advanced.append), tmp_path)
    predictions = Predictions(tmp_path)
    predictions.check()
    slides = predictions.slides
    assert slides["slide_id"].tolist() == [each.facts.slide_id for each in sets]
    assert slides["label"].tolist() == [each.facts.label for each in sets]
    assert measures == {"tiles": sum(advanced), "slides": len(sets)}
    for row, each in zip(slides.itertuples(), sets, strict=True):
        features = torch.from_numpy(each.features())[None]
        logits = model(features, torch.ones(features.shape[:2], dtype=torch.bool))[0]
        np.testing.assert_allclose([row.logit_0, row.logit_1], logits.detach(), atol=1e-6)
        np.testing.assert_allclose([row.score_0, row.score_1], logits.softmax(0).detach(), atol=1e-6)
    assert predictions.slide_scores(1)["score"].tolist() == slides["score_1"].tolist()


def test_the_table_of_tiles_is_empty_but_can_be_read(sets, model, tmp_path):
    write_bag_predictions(predict_bags(model, sets, "cpu"), tmp_path)
    predictions = Predictions(tmp_path)
    assert len(predictions.table) == len(predictions.tile_ids) == len(predictions.of_slide("s1")) == 0
    assert {"tile_id", "slide_id", "patient_id", "label"} <= set(predictions.table)


def test_a_slide_without_tiles_has_no_row(sets, model, tmp_path):
    empty = make_feature_set(tmp_path / "e", "e", "p9", "test", "normal", tiles=1)
    path = empty.folder / "features.json"
    path.write_text(path.read_text().replace('"count": 1', '"count": 0'))
    found = predict_bags(model, [type(empty)(empty.folder), sets[0]], "cpu")
    assert found["slide_id"].tolist() == [sets[0].facts.slide_id]
    assert predict_bags(model, [], "cpu").columns.tolist()[0] == "slide_id"


def test_logits_that_are_not_finite_are_refused(sets, model):
    broken = trained_bag_classifier(SMALL["mean_pool"], sets, steps=0)
    with torch.no_grad():
        broken.network.head.bias[0] = float("nan")
    with pytest.raises(ModelError, match="not finite on 2 of 2 slides, first s0"):
        predict_bags(broken, sets[:2], "cpu")
    assert not model.training
    assert dataclasses.is_dataclass(sets[0])
