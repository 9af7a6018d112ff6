"""A study that is stored at once: what a report reads has known contents, everything else is a word."""

import tempfile
from pathlib import Path

from flows.commands.report import stored_of
from flows.engine.execute import execute
from flows.engine.rerun import RerunOptions
from tasks.artifacts.checkpoint import INFO, CheckpointInfo
from tasks.artifacts.feature_set import FACTS, EncoderFacts, FeatureFacts
from tasks.artifacts.tile_set import SLIDE
from tasks.comparison.compare import compare_arms
from tasks.slides.errors import SlideError
from tasks.slides.info import SlideInfo
from tests._support.comparison_jobs import make_job
from tests._support.heatmap_jobs import geometry
from tests._support.plans import plan_of

COUNTS = {"normal": 7, "tumour": 3, "mixed": 1, "": 4}
FAILED_TILES = 2


def store_contents(plan, without=(), failing=None):
    """Store every artifact of ``plan`` but those of the stages ``without``.

    Args:
        plan: of a study of that cohort.
        without: stages whose artifacts are not made.
        failing: {slide: why} of the slides that cannot be tiled.
    """

    def build(request):
        for artifact in request.artifacts:
            why = (failing or {}).get(artifact.key.slide) if request.stage == "tile" else None
            if why is not None:
                return SlideError(why)
            request.study.store.reuse_or_build(
                artifact.spec,
                lambda out, key=artifact.key: _write(key, out),
                force=artifact.force,
                attempt=request.attempt,
            )
        return None

    if without:
        for stage in dict.fromkeys(planned.key.stage for planned in plan):
            if stage in without:
                return
            execute(plan, RerunOptions(only=stage), build, {})
    else:
        execute(plan, RerunOptions(), build, {})


def reported(config, home, **named):
    """Return the stored study of ``config``."""
    plan = plan_of(config, home)
    store_contents(plan, **named)
    return stored_of(plan_of(config, home))


def _write(key, out):
    if key.stage == "tile":
        (out / SLIDE).write_text(_slide(key.slide).model_dump_json())
    elif key.stage == "embed":
        (out / FACTS).write_text(_features(key.slide).model_dump_json())
    elif key.stage == "train":
        (out / INFO).write_text(_checkpoint(key.model).model_dump_json())
    elif key.stage == "compare":
        with tempfile.TemporaryDirectory() as folder:
            compare_arms(make_job(Path(folder)), out)
    else:
        (out / "word").write_text(key.label)


def _slide(name):
    return SlideInfo(
        slide_id=name,
        geometry=geometry(),
        classes=("normal", "tumour"),
        sections=(),
        counts=COUNTS,
        failed_tiles=FAILED_TILES,
        saturation_threshold=0.1,
        repaired_outlines=0,
        labels_from="outlines",
    )


def _checkpoint(model):
    return CheckpointInfo(
        network={"name": "resnet18"},
        classes=("normal", "tumour"),
        target_class="tumour",
        mpp=1.0,
        tile_px=32,
        mean=(0.5, 0.5, 0.5),
        std=(0.1, 0.1, 0.1),
        seed=model.seed,
        best_epoch=2,
        scores={},
    )


def _features(name):
    return FeatureFacts(
        slide_id=name,
        patient_id="secret-7",
        split="test",
        level0_mpp=0.5,
        mpp=1.0,
        tile_px=32,
        encoder=EncoderFacts(name="colour_statistics", licence="Apache-2.0"),
        dim=12,
        count=15,
    )
