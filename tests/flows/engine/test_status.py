"""``status`` says before a run what the run then makes: real plans, with builds that write a word."""

import os

import numpy as np
import pytest

from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions, Selection
from flows.engine.status import plan_status
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
    "tile", "train", "predict", "calibrate", "explain", "scale", "draw", "exemplify", "evaluate", "measure",
    "compare", "review", "record", "explain-group", "evaluate-group", "compare-group",
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
