"""Localisation of labelled tiles: unknown ones are left out, and slides without both kinds are no zeros."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from tasks.faithfulness.tile_localisation import ABSENT, ALONE, UNLABELLED, TileLocalisation
from tests._support.scored_bags import judged, made_bags, values

METRIC = TileLocalisation()


def test_known_tiles_alone_are_judged_as_scikit_learn_judges_them():
    bags = made_bags((37, 24))
    result = judged(bags, METRIC, "noise")
    for place in range(2):
        classes = bags.tile_classes[place]
        truth = (classes == 1)[classes >= 0]
        map_ = np.float32(bags.attributions["noise"][place][classes >= 0])
        assert values(result, "auroc")[place] == pytest.approx(roc_auc_score(truth, map_), abs=1e-9)
        assert values(result, "auprc")[place] == pytest.approx(average_precision_score(truth, map_))
        assert values(result, "ndcg")[place] == pytest.approx(ndcg_score(truth[None] * 1.0, map_[None]))
        chance = result.scores[(result.scores["score"] == "auprc")]["chance"].iloc[place]
        assert chance == pytest.approx(truth.mean())


def test_a_map_of_the_labels_is_perfect_and_magnitudes_lose_what_signs_say():
    bags = made_bags((37,))
    true = judged(bags, METRIC, "true")
    for score in ("auroc", "auprc", "ndcg"):
        assert values(true, score).tolist() == [1.0]
    by_size = judged(replace(bags, kinds={"true": "sensitivity"}), METRIC, "true")
    assert values(by_size, "auroc")[0] < 1
    assert values(judged(bags, METRIC, "zeros"), "auroc").tolist() == [0.5]


def test_each_slide_without_a_score_has_a_reason():
    bags = made_bags((5, 5, 5, 5))
    classes = [np.full(5, -1), np.zeros(5, int), np.ones(5, int), np.array([0, 1, -1, 0, 1])]
    result = judged(replace(bags, tile_classes=classes), METRIC, "true")
    assert np.isnan(values(result, "auroc")).tolist() == [True, True, True, False]
    assert [result.info.excluded[reason] for reason in (UNLABELLED, ABSENT, ALONE)] == [1, 1, 1]
    nobody = judged(replace(bags, tile_classes=()), METRIC, "true")
    assert nobody.info.excluded[UNLABELLED] == 4
