"""One stage of a simulated cohort in a process of its own: what it took.

The stage is made anew on stored inputs by the engine, without Prefect. Files are limited to 1,024, soft and
hard. ``train`` writes real checkpoints of untrained weights; ``open`` opens all tiles as a training does,
reads one of each slide, and predicts.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from safetensors.torch import save_file

from flows.config import load_study
from flows.engine.execute import execute
from flows.engine.plan import Plan
from flows.engine.request import BuildRequest, fulfil
from flows.engine.rerun import RerunOptions
from flows.environment import prepare
from flows.open_study import open_study
from tasks.artifacts.checkpoint import HISTORY, INFO, WEIGHTS, CheckpointInfo
from tasks.models.classifier import build_classifier
from tasks.predict import Predict, PredictInputs
from tasks.study.stage import BuildContext, Measures
from tasks.tiling.recipe import TilingRecipe
from tasks.train import Train, TrainInputs, TrainSection
from tasks.training.tiles import labelled_tiles, slide_of

FILES = 1024
MEAN, STD = (0.76, 0.52, 0.69), (0.09, 0.1, 0.06)


def in_own_process(study: Path, home: Path, stage: str) -> dict[str, Any]:
    """Run a stage in a forked process, so that what is imported is imported once.

    Returns:
        ``seconds``, ``cpu_seconds``, ``peak_mb`` and the number of artifacts ``made``.

    Raises:
        RuntimeError: an artifact was not made; the process has said why.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(sender, study, home, stage))
    process.start()
    sender.close()
    try:
        figures: dict[str, Any] = receiver.recv()
    except EOFError:
        raise RuntimeError(f"stage {stage} failed") from None
    finally:
        process.join()
    return figures


def _measure(sender: Connection, study: Path, home: Path, stage: str) -> None:
    prepare(home)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    started, used = time.perf_counter(), time.process_time()
    made = run(study, home, stage)
    sender.send(
        {
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - used,
            "peak_mb": peak_mb(),
            "made": made,
        }
    )


def run(file: Path, home: Path, stage: str) -> int:
    """Make every artifact of a stage and return how many there were."""
    study = open_study(load_study(file), home, None)
    errors: list[BaseException] = []

    def submit(request: BuildRequest) -> BaseException | None:
        try:
            fulfil(request)
        except (OSError, ValueError, RuntimeError, LookupError) as error:
            errors.append(error)
            return error
        return None

    with _stubbed(stage):
        only = "predict" if stage == "open" else stage
        result = execute(Plan(study), RerunOptions(only=only), submit, {})
    if errors:
        raise SystemExit(f"{stage}: {errors[0]!r}")
    return len(result.executed)


def peak_mb() -> float:
    """Return the most memory that this process had; the figure of getrusage may be that of its parent."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _stubbed(stage: str) -> AbstractContextManager[object]:
    stubs: Mapping[str, Callable[[], Any]] = {
        "train": lambda: patch.object(Train, "build", _write_untrained),
        "open": lambda: patch.object(Predict, "build", _open_and_predict),
    }
    return stubs.get(stage, nullcontext)()


def _write_untrained(stage: Train, inputs: TrainInputs, out: Path, context: BuildContext) -> Measures:
    study = context.study
    recipe, tiling = study.section(TrainSection).recipe, study.section(TilingRecipe)
    seed = context.spec.seed or 0
    model = build_classifier(recipe.network, len(recipe.classes), MEAN, STD, seed)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, out / WEIGHTS)
    info = CheckpointInfo(
        network=recipe.network.model_dump(mode="json"),
        classes=recipe.classes,
        target_class=recipe.target_class,
        mpp=tiling.mpp,
        tile_px=tiling.tile_px,
        mean=MEAN,
        std=STD,
        seed=seed,
        best_epoch=1,
        scores={"val_loss": 0.7},
    )
    (out / INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    pd.DataFrame([{"epoch": 1, "train_loss": 0.7, "val_loss": 0.7}]).to_parquet(out / HISTORY, index=False)
    return {}


_predict = Predict.build


def _open_and_predict(stage: Predict, inputs: PredictInputs, out: Path, context: BuildContext) -> Measures:
    sets = list(inputs.tiles.values())
    classes = context.study.section(TrainSection).recipe.classes
    tiles = labelled_tiles(sets, "train", classes, {slide_of(each): "train" for each in sets})
    firsts = np.unique(tiles.slides, return_index=True)[1]
    if len(firsts) != len(sets):
        raise ValueError(f"tiles of {len(firsts)} slides, not of {len(sets)}")
    tiles.gather(firsts)
    return _predict(stage, inputs, out, context)
