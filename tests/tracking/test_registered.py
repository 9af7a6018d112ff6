"""Which model of a study is the best one."""

import json
from dataclasses import replace

import pytest

from tasks.artifacts.checkpoint import INFO
from tasks.tracking.job import RecordedCheckpoint
from tasks.tracking.registered import best_of
from tests._support.record_jobs import make_checkpoint


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("model"), 0)


def models(trained, folder, *scores):
    found = []
    for seed, own in enumerate(scores):
        place = folder / str(seed)
        place.mkdir()
        info = json.loads((trained.folder / INFO).read_text()) | {"scores": own}
        (place / INFO).write_text(json.dumps(info))
        found.append(RecordedCheckpoint("a", seed, "", "", replace(trained, folder=place)))
    return found


@pytest.mark.parametrize(
    ("scores", "best", "rule"),
    [
        ([{"val_auroc": 0.7}, {"val_auroc": 0.9}, {"val_auroc": 0.8}], 1, "highest val_auroc"),
        ([{"val_auroc": 0.7}, {"val_auroc": 0.7}], 0, "highest val_auroc"),
        ([{"val_loss": 0.7}, {"val_loss": 0.2, "val_auroc": 1.0}], 1, "lowest val_loss"),
    ],
)
def test_the_best_model_has_the_best_validation_score_that_all_have(trained, tmp_path, scores, best, rule):
    found, words = best_of(models(trained, tmp_path, *scores))
    assert found.seed == best
    assert words == f"of {len(scores)} models the one with the {rule}; no test slide is asked"


def test_models_without_a_common_score_have_no_best_one(trained, tmp_path):
    assert best_of(models(trained, tmp_path, {"val_auroc": 0.7}, {"val_loss": 0.1})) is None
    assert best_of([]) is None
