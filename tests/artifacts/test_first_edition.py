"""What was stored before the house was rebuilt is still found, where nothing but names and code changed."""

import json

from tasks.artifacts.changes import Earlier
from tasks.artifacts.first_edition import as_today
from tasks.artifacts.record import FILE_NAME
from tasks.artifacts.spec import ArtifactSpec, Reference
from tasks.artifacts.store import Store

MAPS = {"kind": "AttributionSet", "fingerprint": "a" * 24, "digest": "b" * 24}


def old_report(**changes):
    spec = {
        "stage": "evaluate",
        "label": "evaluate/standard/seed0/gradient/gini",
        "kind": "FaithfulnessReport",
        "recipe": {"metric": {"name": "gini"}},
        "inputs": {"maps/s1": Reference(**MAPS)},
        "code": {"tasks.faithfulness.plan": "00"},
    }
    return ArtifactSpec(**{**spec, **changes})


def test_kinds_bear_the_names_of_today_wherever_they_are_named():
    today = as_today(old_report())
    assert today.inputs["maps/s1"] == Reference(**{**MAPS, "kind": "Attributions"})
    assert as_today(old_report(kind="PredictionSet")).kind == "Predictions"
    assert as_today(today) == today


def test_a_record_of_before_is_read_and_found_for_todays_artifact(tmp_path):
    store = Store(tmp_path)
    old = old_report(kind="AttributionSet", inputs={"tiles": "sha256:11"})
    reference = store.reuse_or_build(old, lambda out: (out / "x").write_text("x") and None)
    # The first edition called the spec "part" and wrote references as text.
    pointer = next(tmp_path.rglob(FILE_NAME))
    data = json.loads(pointer.read_text())
    data["part"] = data.pop("spec") | {
        "inputs": {"tiles": "sha256:11", "maps": f"TileSet/{'c' * 24}/{'d' * 24}"}
    }
    data["fingerprint"] = ArtifactSpec(**data["part"]).fingerprint
    pointer.write_text(json.dumps(data))
    wanted = ArtifactSpec(
        **{
            **data["part"],
            "kind": "Attributions",
            "label": "explain/elsewhere",
            "code": {"tasks.evaluation.plan": "11"},
        }
    )
    (found,) = Earlier(store).same_but_for_code(wanted)
    assert found.digest == reference.digest
    assert found.spec.inputs["maps"] == Reference(kind="TileSet", fingerprint="c" * 24, digest="d" * 24)
    assert Earlier(store).same_but_for_code(wanted.model_copy(update={"seed": 1})) == []
