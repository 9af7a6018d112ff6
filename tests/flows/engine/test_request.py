"""A request carries all that a build needs: it is pickled here and fulfilled in another process."""

import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch

from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.request import BuildRequest, fulfil
from flows.engine.rerun import RerunOptions
from flows.engine.stages import all_stages, stage_named
from flows.open_study import open_study
from tasks.artifacts.tile_set import TileSet
from tasks.functional.arithmetic import short_products
from tests._support.studies import tiny_config

ROOT = Path(__file__).parents[3]
ELSEWHERE = (
    "import pickle, sys; from flows.engine.request import fulfil; fulfil(pickle.load(sys.stdin.buffer))"
)


class Nothing:
    """A study with nothing to build."""

    device = "cpu"
    data_root = home = Path()
    row: ClassVar = {}
    store = SimpleNamespace(path=print, record=print)
    config = SimpleNamespace(cpu_threads=1)


@pytest.mark.parametrize("name", [stage.name for stage in all_stages() if stage.asks_models])
def test_float32_is_float32_before_any_stage_asks_a_model(name, monkeypatch):
    monkeypatch.setattr(type(stage_named(name)), "writers", lambda stage, builds: [])
    before, threads = torch.backends.cudnn.allow_tf32, torch.get_num_threads()
    torch.backends.cuda.matmul.fp32_precision = torch.backends.cudnn.conv.fp32_precision = "tf32"
    try:
        fulfil(BuildRequest(name, Nothing(), (), "attempt", {}, {}))
        assert not short_products()
    finally:
        torch.backends.cudnn.allow_tf32 = before
        torch.set_num_threads(threads)


def send(request):
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=pickle.dumps(request),
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_slide_is_tiled_in_another_process(manifest, tmp_path):
    changes = {"resources": {"runner": "inline"}, "failures": {"max_failed_slides": 0.9}}
    study = open_study(tiny_config(manifest, **changes), tmp_path / "home", None)
    labels = []

    def elsewhere(request):
        labels.append(request.label)
        return send(request) if len(labels) == 1 else ValueError("one is enough")

    result = execute(Plan(study), RerunOptions(only="tile"), elsewhere, {})
    assert [key.label for key in result.executed] == labels[:1]
    (record,) = study.store.records("TileSet")
    assert len(TileSet(study.store.path(record.reference)).table) > 0


def test_reports_of_one_model_travel_together(manifest, tmp_path):
    plan = Plan(open_study(tiny_config(manifest, resources={"runner": "inline"}), tmp_path, None))
    labels = []

    def scribble(request):
        labels.append(request.label)
        for artifact in request.artifacts:
            request.study.store.reuse_or_build(
                artifact.spec, lambda out: (out / "word").write_text("x") and None, attempt=request.attempt
            )

    execute(plan, RerunOptions(), scribble, {})
    assert [label for label in labels if label.startswith("evaluate")] == [
        "evaluate/standard/seed0 (6 artifacts)",
        "evaluate/modulated/seed0 (6 artifacts)",
    ]
