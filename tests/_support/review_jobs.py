"""Small studies for the review page with given maps and scores, and one of the largest size."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from tasks.artifacts.colour_scale import ScaleInfo
from tasks.artifacts.faithfulness_report import INFO, SCORE_COLUMNS, SCORES, FaithfulnessReport
from tasks.artifacts.key import ModelKey
from tasks.artifacts.tile_set import ARTEFACT_MASK, PIXELS, SLIDE, TileSet
from tasks.reporting.maps.view import THUMBNAIL
from tasks.reporting.review.job import ReviewedExplainer, ReviewJob
from tasks.slides.geometry import SlideGeometry
from tests._support.heatmap_jobs import make_attributions, make_predictions, make_slide
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")
HOSTILE = '</script><img src=x onerror="window.broken=1">&\''
PATIENT = "secret-7"
MODELS = tuple(ModelKey(arm, seed) for arm in ("standard", HOSTILE) for seed in (0, 1))
EXPLAINERS = (
    ReviewedExplainer("gradient"),
    ReviewedExplainer("random_map", is_control=True),
)
LEVEL = 0.95
WHY = "<b>out of memory</b> on this slide"


def make_review(folder: Path) -> ReviewJob:
    """Two slides of 40 tiles, two arms (one with a hostile name), two seeds, an explainer and a control.

    Maps hold the number of the tile over 40, negative in the lower half of a tile. Maps of the control are
    noise. The map of the second arm's second seed on the second slide is missing. The metric ``deletion`` has
    the score ``gap``, i / 40 plus the number of the model for tile i, and ``size``, which has no direction.
    Ink covers the upper left quarter of every tile of the first slide.
    """
    slides = {name: make_slide(folder / name, name, PATIENT) for name in ("s1", "s2")}
    np.save(slides["s1"].folder / ARTEFACT_MASK, _upper_left(slides["s1"]))
    generator = np.random.default_rng(0)
    maps = {}
    for p, model in enumerate(MODELS):
        for explainer in EXPLAINERS:
            for slide, tiles in slides.items():
                values = generator.normal(size=(40, 16, 16)) if explainer.is_control else known_maps()
                home = folder / "maps" / f"{p}{explainer.id}{slide}"
                maps[model, explainer.id, slide] = make_attributions(home, tiles, values, _margin(p))
    del maps[MODELS[3], "gradient", "s2"]
    predictions = {
        model: make_predictions(folder / f"predictions{p}", list(slides.values()), [_margin(p)] * 2)
        for p, model in enumerate(MODELS)
    }
    return ReviewJob(
        study=f"study {HOSTILE}",
        classes=CLASSES,
        target=1,
        slides=slides,
        models=MODELS,
        explainers=EXPLAINERS,
        maps=maps,
        reports=_reports(folder / "reports", list(slides)),
        predictions=predictions,
        confidence=LEVEL,
        failed={f"explain/{MODELS[3].label}/gradient/s2": WHY},
    )


def known_maps() -> np.ndarray:
    """[40, 16, 16]: tile i has i / 40, its lower half the negative."""
    values = np.repeat(np.arange(40) / 40, 256).reshape(40, 16, 16)
    values[:, 8:] *= -1
    return values


def score_rows(slide: str, values: dict[str, np.ndarray], sections: int = 2) -> pd.DataFrame:
    """Long-form scores of the tiles of a slide made by ``make_tile_set``; ``values`` by score, [N] each."""
    parts = []
    for score, own in values.items():
        count = len(own)
        row, column = np.divmod(np.arange(count), 5)
        part = pd.DataFrame(
            {
                "unit": "tile",
                "unit_id": [f"{slide}/{32 * c}_{32 * r}" for r, c in zip(row, column, strict=True)],
            }
        )
        part["slide_id"], part["patient_id"], part["label"], part["score"] = slide, PATIENT, "tumour", score
        part["section"], part["value"], part["chance"] = np.arange(count) * sections // count, own, 0.0
        parts.append(part.assign(error=np.nan))
    return pd.concat(parts)[list(SCORE_COLUMNS)]


def write_report(folder: Path, rows: pd.DataFrame, directions: dict[str, str]) -> FaithfulnessReport:
    """Write a report whose scores have these directions."""
    folder.mkdir(parents=True)
    rows.to_parquet(folder / SCORES, index=False)
    scores = [
        {"name": name, "direction": way, "meaning": f"{name} {HOSTILE}"} for name, way in directions.items()
    ]
    info = {"metric": {}, "scores": scores, "excluded": {}, "passes": {}, "minimum_passes": {}}
    (folder / INFO).write_text(json.dumps(info))
    return FaithfulnessReport(folder)


@dataclass(frozen=True)
class MapsInMemory:
    """Noise instead of Attributions, generated on demand from ``seed``."""

    ids: tuple[str, ...]
    seed: int
    tile_px: int

    @property
    def index(self) -> pd.DataFrame:
        """One row per map."""
        return pd.DataFrame({"tile_id": self.ids})

    @property
    def logits(self) -> np.ndarray:
        """[N, K] logits."""
        return np.random.default_rng(self.seed).normal(size=(len(self.ids), 2))

    def maps(self, rows: slice | None = None) -> np.ndarray:
        """Return float32 [N, H, W]."""
        shape = (len(self.ids), self.tile_px, self.tile_px)
        noise = np.random.default_rng(self.seed).normal(size=shape)
        return noise.astype(np.float32)[rows or slice(None)]


@dataclass(frozen=True)
class ReportInMemory:
    """Scores instead of a FaithfulnessReport."""

    scores: pd.DataFrame
    info: Any

    @property
    def unit_of_score(self) -> dict[str, str]:
        """What the units of each score are."""
        return dict.fromkeys(self.scores["score"], "tile")


def make_largest(
    folder: Path, slides: int = 12, arms: int = 6, seeds: int = 3, explainers: int = 5
) -> ReviewJob:
    """A study of 40 tiles per slide that cannot be compressed: pixels, maps and scores are noise."""
    tile_sets = {f"slide{i:02}": _noisy_slide(folder / f"slide{i:02}", f"slide{i:02}") for i in range(slides)}
    models = tuple(ModelKey(f"arm{a}", seed) for a in range(arms) for seed in range(seeds))
    names = tuple(
        ReviewedExplainer(f"explainer{e}", is_control=e > 2, scale=scale_of(0.18, 2.6))
        for e in range(explainers)
    )
    maps: dict[Any, Any] = {}
    reports: dict[Any, Any] = {}
    generator = np.random.default_rng(0)
    small = write_report(
        folder / "report", score_rows("x", {"gap": np.zeros(40)}), {f"score{k}": "higher" for k in range(8)}
    )
    for model in models:
        for explainer in names:
            for slide, tiles in tile_sets.items():
                ids = tuple(tiles.table["tile_id"])
                maps[model, explainer.id, slide] = MapsInMemory(ids, len(maps), 64)
            rows = [_noisy_scores(tiles, generator) for tiles in tile_sets.values()]
            reports[model, explainer.id, "metric"] = ReportInMemory(pd.concat(rows), small.info)
    return ReviewJob("largest", CLASSES, 1, tile_sets, models, names, maps, reports, confidence=LEVEL)


def without_slides(job: ReviewJob, *slides: str) -> ReviewJob:
    """Return ``job`` with these slides only."""
    return replace(job, slides={name: job.slides[name] for name in slides})


def _margin(model: int) -> np.ndarray:
    return np.linspace(-2, 2, 40) + model / 10


def _upper_left(tiles: TileSet) -> np.ndarray:
    mask = np.zeros(tiles.pixels.shape[:3], np.uint8)
    mask[:, : mask.shape[1] // 2, : mask.shape[2] // 2] = 1
    return mask


def _reports(folder: Path, slides: list[str]) -> dict[Any, FaithfulnessReport]:
    found = {}
    for p, model in enumerate(MODELS):
        for explainer in EXPLAINERS:
            gap = np.arange(40) / 40 + (9 if explainer.is_control else p)
            rows = pd.concat([score_rows(slide, {"gap": gap, "size": gap * 0 + 0.5}, 8) for slide in slides])
            home = folder / f"{p}{explainer.id}"
            found[model, explainer.id, "deletion"] = write_report(
                home, rows, {"gap": "higher", "size": "none"}
            )
    return found


def scale_of(limit: float, tile_limit: float) -> ScaleInfo:
    """A colour scale with these ends, whatever its source."""
    return ScaleInfo(
        limit=limit,
        tile_limit=tile_limit,
        percentile=99,
        smoothing_um=4,
        rounding=0,
        maps=1,
        values=1,
        models={},
        slides={},
    )


def _noisy_slide(folder: Path, slide: str) -> TileSet:
    tiles = make_tile_set(folder, slide, PATIENT, "test", 40, tile_px=64)
    generator = np.random.default_rng(len(slide))
    np.save(folder / PIXELS, generator.integers(0, 256, size=(40, 64, 64, 3), dtype=np.uint8))
    geometry = SlideGeometry(
        width_level0=640,
        height_level0=1024,
        mpp=0.5,
        mpp_y=0.5,
        mpp_source="metadata",
        bounds_x=0,
        bounds_y=0,
        bounds_width=640,
        bounds_height=1024,
        level_downsamples=(1.0,),
        thumbnail_width=320,
        thumbnail_height=512,
        thumbnail_downsample_x=2.0,
        thumbnail_downsample_y=2.0,
    )
    info = {"slide_id": slide, "geometry": geometry.model_dump(mode="json"), "classes": list(CLASSES)}
    info |= {
        "sections": [],
        "counts": {},
        "failed_tiles": 0,
        "saturation_threshold": 0.1,
        "repaired_outlines": 0,
    }
    (folder / SLIDE).write_text(json.dumps(info))
    noise = generator.integers(0, 256, size=(512, 320, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / THUMBNAIL)
    return tiles


def _noisy_scores(tiles: TileSet, generator: np.random.Generator) -> pd.DataFrame:
    table = tiles.table
    parts = []
    for k in range(8):
        part = table[["tile_id", "slide_id", "patient_id", "section", "label"]].rename(
            columns={"tile_id": "unit_id"}
        )
        parts.append(
            part.assign(
                unit="tile",
                score=f"score{k}",
                value=generator.normal(size=len(table)),
                chance=0.0,
                error=np.nan,
            )
        )
    return pd.concat(parts)[list(SCORE_COLUMNS)]
