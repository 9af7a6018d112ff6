import numpy as np
import pandas as pd
from scipy.special import softmax

from tasks.comparison.rows.prediction_units import probabilities_of, slide_units, tile_units
from tests._support.comparison_jobs import CLASSES, make_predictions, places


def test_probabilities_are_the_softmax_of_the_logits():
    logits = np.random.default_rng(0).normal(scale=20, size=(7, 3))
    table = pd.DataFrame(logits, columns=["logit_0", "logit_1", "logit_2"])
    np.testing.assert_allclose(probabilities_of(table, 3), softmax(logits, axis=1), rtol=1e-12)


def test_mixed_and_unlabelled_tiles_do_not_count_at_tile_level(tmp_path):
    table = places()
    table.loc[0, "label"] = ""
    units = tile_units(make_predictions(tmp_path, table, np.zeros(len(table))), CLASSES, 1)
    counted = table["label"].isin(CLASSES)
    assert len(units.truth) == counted.sum()
    assert units.truth.sum() == (table["label"] == "tumour").sum()


def test_a_slide_is_positive_where_a_tile_is_target_or_mixed(tmp_path):
    table = places(slides=4, tiles=10)
    table.loc[table["slide_id"] == "s0", "label"] = ["mixed"] + ["normal"] * 9
    table.loc[table["slide_id"] == "s1", "label"] = ""
    margin = np.linspace(-1, 1, len(table))
    predictions = make_predictions(tmp_path, table, margin)
    units = slide_units(predictions, CLASSES, 1)
    assert list(units.unit_rows["slide_id"]) == ["s0", "s2", "s3"]
    np.testing.assert_array_equal(units.truth, [1, 1, 0])
    highest = table.assign(p=1 / (1 + np.exp(-margin))).groupby("slide_id")["p"].max()
    np.testing.assert_allclose(units.probability[:, 1], highest[["s0", "s2", "s3"]])
    assert len(predictions.slide_scores(1)) == 4
