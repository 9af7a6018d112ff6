"""A study whose arm searches its strength: found before its training, used by it, recorded with it."""

import pytest

from flows.engine.outcome import ArtifactsFailedError
from flows.study import study
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.dose import Dose
from tasks.artifacts.store import Store
from tests._support.plans import statuses
from tests._support.studies import tiny_config

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect")]


def dosed(manifest, values, moves=0.3):
    calm = {"name": "jacobian", "warmup": 0, "ramp": 0}
    return tiny_config(
        manifest,
        train={
            "arms": [
                {
                    "id": "calm",
                    "regularizers": [calm],
                    "dose": {"field": "weight", "values": values, "moves": moves, "epochs": 2},
                },
                {"id": "same", "regularizers": [{**calm, "weight": 0.03}]},
            ],
            "seeds": [0],
            "recipe": {"network": {"width": 0.0625}, "epochs": 2, "batch": 16},
        },
        explain={"tiles_per_slide": 4, "explainers": ["gradient"], "controls": []},
        evaluate={"metrics": ["gini"]},
        compare={"reference_arm": "same"},
    )


def test_the_arm_is_trained_with_the_dose_that_was_found(manifest, tmp_path, prefect):
    study(dosed(manifest, [1e-9, 0.03]), tmp_path)
    store = Store(tmp_path)
    (record,) = store.records("Dose")
    dose = Dose(store.folder(record))
    assert record.spec.label == "dose/calm/seed0"
    assert dose.value == 0.03
    weights = {r.spec.label: Checkpoint(store.folder(r)) for r in store.records("Checkpoint")}
    calm, same = (weights[f"train/{arm}/seed0"].weights.read_bytes() for arm in ("calm", "same"))
    assert calm == same
    assert {s.state for s in statuses(dosed(manifest, [1e-9, 0.03]), tmp_path).values()} == {"done"}
    changed = statuses(dosed(manifest, [0.03]), tmp_path)
    assert changed["dose/calm/seed0"].state == "would run"
    assert changed["train/calm/seed0"].state == "may run"
    assert changed["train/same/seed0"].state == "done"


def test_an_arm_without_a_dose_fails_with_its_sentence_and_the_others_go_on(manifest, tmp_path, prefect):
    config = dosed(manifest, [1e-9], moves=0.9)
    with pytest.raises(
        ArtifactsFailedError, match=r"no weight of 'jacobian' moves pixel_sensitivity.logits by 90%"
    ):
        study(config, tmp_path)
    found = statuses(config, tmp_path)
    assert found["dose/calm/seed0"].state == "failed"
    assert found["train/calm/seed0"].state == "blocked"
    assert found["train/same/seed0"].state == "done"
