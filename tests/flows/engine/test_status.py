"""``status`` says before a run what the run then makes: real plans, with builds that write a word."""

import os

import numpy as np
import pytest

from flows.engine.execute import execute
from flows.engine.outcome import ArtifactsFailedError, settle
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions, Selection
from flows.engine.status import plan_status, to_make
from flows.open_study import open_study
from tasks.study.errors import UsageError
from tests._support.studies import folded_config, tiny_config

ARMS = [{"id": "standard"}, {"id": "broken", "lr": 0.5}, {"id": "other", "lr": 0.002}]
RECIPE = {"network": {"width": 0.125}, "epochs": 2, "batch": 16}
BLOCKS = {
    "train": {"arms": ARMS, "seeds": [0, 1], "recipe": RECIPE},
    "explain": {
        "explainers": ["gradient", {"name": "noisegrad", "draws": 2}],
        "controls": [{"name": "random_map"}],
        "exemplars": ["nearest_tiles"],
    },
    "evaluate": {"metrics": ["gini", "entropy"], "model_metrics": ["gradient_scale"]},
    "resources": {"runner": "inline"},
}
STAGES = (
    "tile", "dose", "train", "predict", "calibrate", "surround", "explain", "scale", "draw", "exemplify",
    "evaluate", "measure", "compare", "review", "record", "train-group", "explain-group", "evaluate-group",
    "compare-group",
)  # fmt: skip


def scribble(request):
    """Store a word for every artifact of a request; trainings of the broken arm fail."""
    if request.stage == "train" and request.artifacts[0].key.model.arm == "broken":
        return ValueError("training diverged in epoch 1")
    for artifact in request.artifacts:
        request.study.store.reuse_or_build(
            artifact.spec,
            lambda out, artifact=artifact: (out / "word").write_text(artifact.spec.label) and None,
            force=artifact.force,
            attempt=request.attempt,
        )
    return None


@pytest.fixture(params=[tiny_config, folded_config], ids=["splits", "folds"])
def plan(request, manifest, tmp_path):
    """A study that was run once, in which one arm cannot be trained."""
    plan = Plan(open_study(request.param(manifest, **BLOCKS), tmp_path, None))
    execute(plan, RerunOptions(), scribble, {})
    return plan


def any_options(plan, draw):
    """Return options that a user might type: a stage, forced alone or from, narrowed or not."""
    word = STAGES[draw.integers(len(STAGES))]
    key = list(plan)[draw.integers(len(plan))].key
    narrowed = {name: (value,) for name, value in key.coordinates.items() if draw.random() < 0.3}
    how = ("only", "from_stage")[draw.integers(2)]
    return RerunOptions(**{how: word}, selection=Selection(**narrowed))


def test_a_run_makes_what_status_said_for_twenty_random_orders(plan):
    draw, taken, kinds = np.random.default_rng(0), 0, set()
    while taken < 20:
        options = any_options(plan, draw)
        try:
            options.check(plan)
        except UsageError:
            continue
        before = plan_status(plan, options)
        would = {s.key for s in before if s.state == "would run"}
        assert set(execute(plan, options, scribble, {}).executed) == would, options
        kinds |= {s.state for s in before}
        taken += 1
    assert {"done", "would run", "may run", "failed", "blocked", "stale", "untouched"} <= kinds


def test_what_failed_before_is_not_tried_under_only_and_fails_no_run(plan):
    options = RerunOptions(only="predict", selection=Selection(arm=("standard",)))
    assert {key.stage for key in to_make(plan_status(plan, options))} == {"predict"}
    outcome = settle(execute(plan, options, scribble, {}))
    assert outcome.executed
    assert {label.split("/")[1] for label in outcome.not_made} == {"broken"}
    assert set(outcome.not_made.values()) == {"it failed before: training diverged in epoch 1"}


def test_verified_damage_is_made_again(plan):
    record = next(iter(plan.study.store.records("Predictions")))
    path = plan.study.store.folder(record) / "word"
    stat, text = path.stat(), path.read_text()
    path.write_text(text.swapcase())
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert execute(plan, RerunOptions(), scribble, {}).executed == ()
    made = execute(plan, RerunOptions(), scribble, {}, full=True).executed
    assert [key.label for key in made] == [record.spec.label]


def test_where_forced_bytes_change_a_run_makes_some_of_what_may_run_too(plan):
    def other_bytes(request):
        error = scribble(request)
        for artifact in request.artifacts if error is None and request.stage == "train" else ():
            request.study.store.reuse_or_build(
                artifact.spec,
                lambda out: (out / "word").write_text("another") and None,
                force=True,
                attempt=request.attempt,
            )
        return error

    options = RerunOptions(from_stage="train", selection=Selection(arm=("standard",)))
    before = plan_status(plan, options)
    would = {s.key for s in before if s.state == "would run"}
    may = {s.key for s in before if s.state == "may run"}
    made = set(execute(plan, options, other_bytes, {}).executed)
    assert would < made <= would | may
    assert {key.stage for key in made - would} >= {"predict", "explain", "evaluate"}


def tile_fails(*slides):
    """A submitter in whose study these slides cannot be tiled."""

    def submit(request):
        if request.stage == "tile" and request.artifacts[0].key.slide in slides:
            return ValueError("cut short")
        return scribble(request)

    return submit


def tolerant(manifest, tmp_path, config=tiny_config, **blocks):
    changed = {**BLOCKS, "failures": {"max_failed_slides": 0.9}, **blocks}
    return Plan(open_study(config(manifest, **changed), tmp_path / "tolerant", None))


def test_a_failed_training_slide_is_told_by_comparison_page_and_recording(manifest, tmp_path):
    told = {}

    def submit(request):
        told[request.stage] = {key.label: why for key, why in request.failures.items()}
        return tile_fails("phantom_01_1")(request)

    plan = tolerant(manifest, tmp_path, train={**BLOCKS["train"], "arms": ARMS[:1]})
    outcome = settle(execute(plan, RerunOptions(), submit, {}))
    assert outcome.failed_slides == {"phantom_01_1": "cut short"}
    for stage in ("compare", "review", "record"):
        assert told[stage]["tile/phantom_01_1"] == "cut short"
    (record,) = plan.study.store.records("Comparison")
    assert record.spec.recipe["failed"]["tile/phantom_01_1"] == "cut short"


def test_a_study_of_which_too_little_is_left_fails_although_its_slides_are_tolerated(manifest, tmp_path):
    plan = tolerant(manifest, tmp_path, train={**BLOCKS["train"], "arms": ARMS[:1]})
    result = execute(plan, RerunOptions(), tile_fails("phantom_04_1", "phantom_05_1"), {})
    with pytest.raises(
        ArtifactsFailedError, match=r"compare could not be made: .* without tile/phantom_0\d_1 \(cut"
    ):
        settle(result)


def test_a_fold_whose_held_out_slides_failed_explains_nothing_and_is_named(manifest, tmp_path):
    plan = tolerant(manifest, tmp_path, folded_config, train={**BLOCKS["train"], "arms": ARMS[:1]})
    lost = sorted(slide for slide, role in plan.study.folds[1].roles.items() if role == "test")
    outcome = settle(execute(plan, RerunOptions(), tile_fails(*lost), {}))
    assert outcome.comparison is not None
    assert "predict/standard/fold1/seed0" in outcome.not_made
    predictions = [label for label in outcome.not_made if label.startswith("predict")]
    assert all("/fold1/" in label for label in predictions)
    predicted = {planned.key for planned in plan.of("predict")} & set(outcome_keys(plan, outcome))
    assert {key.model.fold for key in predicted} == {0, 2}


def outcome_keys(plan, outcome):
    return [planned.key for planned in plan if planned.key.label in outcome.executed]


def test_a_failed_arm_is_told_and_what_waits_for_it_too(plan):
    statuses = {s.key.label: s for s in plan_status(plan, RerunOptions())}
    failed = [s for s in statuses.values() if s.state == "failed"]
    assert {s.key.model.arm for s in failed} == {"broken"}
    assert {s.reasons for s in failed} == {("training diverged in epoch 1 (it is tried again)",)}
    blocked = [s for s in statuses.values() if s.state == "blocked"]
    assert {s.key.model.arm for s in blocked} == {"broken"}
    assert statuses["compare"].state == "done", "it says what failed, and that has not changed"


def test_only_on_a_study_that_was_never_run_names_what_is_missing(manifest, tmp_path):
    plan = Plan(open_study(tiny_config(manifest, **BLOCKS), tmp_path / "new", None))
    with pytest.raises(UsageError, match=r"--only compare needs \d+ .*: train/standard/seed0, .* and \d+"):
        execute(plan, RerunOptions(only="compare"), scribble, {})


def test_full_status_hashes_every_byte(plan):
    record = next(iter(plan.study.store.records("TileSet")))
    path = plan.study.store.folder(record) / "word"
    stat, text = path.stat(), path.read_text()
    path.write_text(text.swapcase())
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    quick = {s.key.label: s.state for s in plan_status(plan, RerunOptions())}
    full = {s.key.label: s.state for s in plan_status(plan, RerunOptions(), full=True)}
    assert quick[record.spec.label] == "done"
    assert full[record.spec.label] == "would run"
