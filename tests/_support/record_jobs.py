"""A small study to be recorded: two trained arms with predictions, reports, heatmaps and a comparison."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from safetensors.torch import save_file

from tasks.aggregators.top_share import TopShare
from tasks.artifacts.calibration import CURVE, PICTURE, Calibration
from tasks.artifacts.checkpoint import HISTORY, INFO, WEIGHTS, Checkpoint, CheckpointInfo
from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.comparison.compare import compare_arms
from tasks.comparison.job import ComparedCheckpoint, ComparedReport, ComparisonJob
from tasks.comparison.recipe import ComparisonRecipe
from tasks.models.classifier import build_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.reporting.heatmaps.draw import draw_slide
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapJob, HeatmapRecipe
from tasks.tracking.job import (
    RecordedCheckpoint,
    RecordedHeatmaps,
    RecordedReport,
    RecordJob,
    dataset_of,
)
from tests._support.calibrations import write_calibration
from tests._support.claim_jobs import claim
from tests._support.comparison_jobs import make_report
from tests._support.heatmap_jobs import CLASSES, make_attributions, make_predictions, make_slide

PATIENT = "secret-7"
TILES = 40


def make_checkpoint(folder: Path, seed: int) -> Checkpoint:
    """Write an untrained but complete checkpoint of a narrow network for 16 px tiles."""
    folder.mkdir(parents=True, exist_ok=True)
    network = NetworkRecipe(name="resnet18", width=0.125)
    mean, std = (0.7, 0.6, 0.7), (0.2, 0.2, 0.2)
    model = build_classifier(network, 2, mean, std, seed)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / WEIGHTS)
    info = CheckpointInfo(
        network=network.model_dump(mode="json"), classes=CLASSES, target_class="tumour", mpp=1.0, tile_px=16,
        mean=mean, std=std, seed=seed, best_epoch=1, scores={"val_auroc": 0.75},
    )  # fmt: skip
    (folder / INFO).write_text(info.model_dump_json())
    history = pd.DataFrame({"epoch": [0, 1, 2], "train_loss": [0.9, 0.5, 0.4], "val_auroc": [0.6, 0.75, 0.7]})
    history.to_parquet(folder / HISTORY, index=False)
    return Checkpoint(folder)


def make_calibration(folder: Path) -> Calibration:
    """A calibration that found 0.07."""
    folder.mkdir()
    write_calibration(folder, 0.07)
    pd.DataFrame({"sigma": [0.07]}).to_parquet(folder / CURVE, index=False)
    Image.new("RGB", (40, 30), "white").save(folder / PICTURE)
    return Calibration(folder)


def make_exemplars(folder: Path) -> ExemplarSet:
    """One picture and one table."""
    folder.mkdir()
    Image.new("RGB", (40, 30), "white").save(folder / "strip.png")
    pd.DataFrame({"tile_id": ["a"]}).to_parquet(folder / "neighbours.parquet", index=False)
    return ExemplarSet(folder)


def make_record_job(folder: Path, home: Path, arms: tuple[str, ...] = ("standard", "modulated")) -> RecordJob:
    """One slide, one seed per arm, smoothgrad with one metric; artifacts are written in ``folder``."""
    tiles = make_slide(folder / "tiles", patient_id=PATIENT)
    generator = np.random.default_rng(0)
    checkpoints, drawn, compared, reports = [], [], [], []
    for seed, arm in enumerate(arms):
        place = folder / arm
        margin = generator.normal(size=TILES)
        checkpoint = make_checkpoint(place / "checkpoint", seed)
        predictions = make_predictions(place / "predictions", [tiles], [margin])
        maps = make_attributions(place / "maps", tiles, generator.normal(size=(TILES, 16, 16)), margin)
        report = make_report(place / "report", tiles.table, {"gap": generator.random(TILES)})
        drawn.append(HeatmapCheckpoint(arm, 0, maps, predictions))
        compared.append(ComparedCheckpoint(arm, 0, checkpoint, predictions))
        reports.append(ComparedReport(arm, 0, "smoothgrad", "deletion", False, report))
        checkpoints.append(
            RecordedCheckpoint(
                arm=arm,
                seed=0,
                fingerprint=f"child-{arm}",
                digest=f"weights-{arm}",
                checkpoint=checkpoint,
                predictions=predictions,
                reports=(RecordedReport("smoothgrad", "deletion", False, report),),
                params={"regularizers": [{"name": arm}], "shared_patients": [PATIENT]},
                measures={"seconds": 3.0},
                calibrations={"noisegrad": make_calibration(place / "calibration")},
                exemplars={"nearest": make_exemplars(place / "exemplars")},
            )
        )
    heatmaps, comparison = folder / "heatmaps", folder / "comparison"
    heatmaps.mkdir()
    comparison.mkdir()
    recipe = HeatmapRecipe(exports=("geojson", "ome_tiff"))
    score = TopShare().score
    draw_slide(HeatmapJob(tiles, "smoothgrad", True, CLASSES, 1, tuple(drawn), score, recipe), heatmaps)
    compare_arms(
        ComparisonJob(
            study="phantom",
            arms=arms,
            classes=CLASSES,
            target=1,
            checkpoints=tuple(compared),
            reports=tuple(reports),
            recipe=ComparisonRecipe(claims=(claim(arm="modulated"),)),
        ),
        comparison,
    )
    review = folder / "review.html"
    review.write_text("<!doctype html><title>review</title>", encoding="utf-8")
    return RecordJob(
        study="phantom",
        fingerprint="study-1",
        home=home,
        checkpoints=tuple(checkpoints),
        config={"study": "phantom", "train": {"seeds": [0]}, "shared_patients": [PATIENT]},
        params={"seeds": "0", "patient": PATIENT},
        comparison=comparison,
        review=review,
        heatmaps=(RecordedHeatmaps("smoothgrad", "s1", heatmaps),),
        datasets=(
            dataset_of("train", "training", [tiles], ["d1"]),
            dataset_of("test", "testing", [tiles], ["d2"]),
        ),
        split_hash="ab" * 32,
        patients=frozenset({PATIENT}),
        salt="pepper",
        failed_slides={"s9": f"no pixels of {PATIENT}"},
        command="veritile run phantom.yaml",
        costs="| arm | training seconds |",
        tags={"prefect.flow_run_id": "flow-1"},
    )
