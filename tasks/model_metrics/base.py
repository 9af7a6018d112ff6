"""The base of all model metrics: frozen recipes that measure a network on the evaluated tiles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pandas as pd

from tasks.artifacts.faithfulness_report import INFO, SCORE_COLUMNS, SCORES, ReportInfo, ScoreInfo
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes, counted_passes
from tasks.models.classifier import Classifier
from tasks.plugins import Plugin, recipe_of
from tasks.samples.axes import Input
from tasks.samples.measured_tiles import MeasuredTiles


@dataclass(frozen=True)
class MeasureSettings:
    """The target and seed of a measurement, and its resources.

    Attributes:
        target: index of the explained class; recipe.
        seed: of every draw, beside the tile key; recipe.
        batch: images in flight; a resource.
        device: where the model lies; a resource.
    """

    target: int
    seed: int = 0
    batch: int = 64
    device: str = "cpu"


@dataclass(frozen=True)
class Measured:
    """The result of a model metric.

    Attributes:
        scores: long form, the columns ``SCORE_COLUMNS`` of a FaithfulnessReport; the units are tiles or
            slides, and a unit that cannot be scored has a NaN value.
        excluded: {reason: how many units have no value because of it}.
        files: {file name: how to write it}, what a report holds beside its scores.
        measures: figures of the run itself, such as a fitted temperature.
    """

    scores: pd.DataFrame
    excluded: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)


class ModelMetric(Plugin):
    """Measures one network; a number depends on the network, the tiles, the recipe and the seed alone.

    The network comes in eval mode with frozen parameters and is left as found. What is drawn for a tile
    depends on (seed, tile key) alone.

    Example:
        Images in memory stand in for the tiles of a slide, under the names of their classes:

        >>> import numpy as np
        >>> from tasks.model_metrics.gradient_scale import GradientScale
        >>> from tasks.models.classifier import build_classifier
        >>> from tasks.models.recipe import NetworkRecipe
        >>> from tasks.scoring.input_checks import checked_images
        >>> images = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
        >>> slide = checked_images(images, [0, 1, 0, 1, 0, 1], {}, None, None)
        >>> model = build_classifier(NetworkRecipe(width=0.125), 2, (0.5,) * 3, (0.3,) * 3, seed=0)
        >>> tiles = MeasuredTiles([slide], classes=("0", "1"))
        >>> report = measure_model(GradientScale(), model, tiles, MeasureSettings(target=1))
        >>> report.measured.scores.groupby("score")["value"].count().to_dict()
        {'cross_entropy': 6, 'gradient_norm': 6, 'margin': 6}
        >>> report.info.passes
        {'forward': 6, 'backward': 6}
    """

    package: ClassVar[str] = "tasks.model_metrics"
    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels"})
    """The inputs of the models that it can measure."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the meaning, direction and bounds of each score."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its scores mean")

    def passes(self) -> Passes:
        """Return the fewest images that must go forward, and back to the input, for one tile."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it costs")

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the scores of ``model``; ``advance`` is called with the number of tiles done."""
        raise NotImplementedError(f"{type(self).__name__} measures nothing")


@dataclass(frozen=True)
class ModelReport:
    """A FaithfulnessReport before it is written, with the files that its metric adds."""

    measured: Measured
    info: ReportInfo

    def write(self, out: Path) -> dict[str, float]:
        """Write the payload into the folder ``out`` and return the measures."""
        self.measured.scores[list(SCORE_COLUMNS)].to_parquet(out / SCORES, index=False)
        (out / INFO).write_text(self.info.model_dump_json(indent=1), encoding="utf-8")
        for name, write in self.measured.files.items():
            write(out / name)
        return dict(self.measured.measures)


def measure_model(
    metric: ModelMetric,
    model: Classifier,
    tiles: MeasuredTiles,
    settings: MeasureSettings,
    advance: Callable[[int], None] = lambda n: None,
) -> ModelReport:
    """Measure ``model`` and return its report.

    Args:
        metric: what is measured.
        model: on ``settings.device``; left as found, also after an exception.
        tiles: what it is measured on.
        settings: target and seed; resources.
        advance: called with the number of tiles just done.

    Raises:
        SampleError: there is no labelled tile.
    """
    least = metric.passes() * len(tiles)
    with leave_as_found(model), counted_passes(model) as counter:
        found = metric.measure(model, tiles, settings, advance)
    info = ReportInfo(
        metric=recipe_of(metric),
        scores=metric.score_infos(),
        excluded=found.excluded,
        passes=_plain(counter.spent),
        minimum_passes=_plain(least),
    )
    return ModelReport(found, info)


def _plain(passes: Passes) -> dict[str, int]:
    return {"forward": passes.forward, "backward": passes.backward}
