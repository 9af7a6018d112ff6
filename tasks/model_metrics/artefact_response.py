"""Artefact response: does the network classify a tile by the pen on it?"""

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.passes import Passes
from tasks.model_metrics._room import Room
from tasks.model_metrics._units import tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles

Flags = NDArray[np.bool_]
_ALARM = "a tile of another class is called the target class"
_MISS = "a tile of the target class is called another"


class ArtefactResponse(ModelMetric):
    """Errors on tiles with an artefact, beside those on tiles without one.

    A network that learned the pen instead of the tissue assigns marked tiles of other classes to the target
    class. Its errors on clean tiles are given for comparison. Marked and clean tiles may differ in more than
    the mark, since somebody chose where to mark. A network that never saw the mark, measured on the same
    tiles, separates the two effects.
    """

    source: ClassVar[str] = (
        "the question is that of Geirhos et al. (2020), arXiv:2004.07780 (shortcut learning: test where the "
        "shortcut and the label part); the split by covered share and the scores are ours"
    )

    least_share: float = Field(default=0.1, gt=0, le=1)
    """Share of a tile that an artefact must cover for the tile to be marked. A tile with less is neither
    marked nor clean and has no score."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return accuracy, false alarms and misses, each of marked and of clean tiles."""
        marked = f"an artefact covers at least {self.least_share:g} of the tile"
        words = {"marked": marked, "clean": "no artefact touches the tile"}
        return tuple(
            ScoreInfo(
                name=f"{name}_{which}",
                direction="higher" if name == "accuracy" else "lower",
                lower_bound=0.0,
                upper_bound=1.0,
                meaning=f"{says}; {words[which]}",
            )
            for name, says in (("accuracy", "the class is right"), ("false_alarm", _ALARM), ("missed", _MISS))
            for which in words
        )

    def passes(self) -> Passes:
        """One forward pass."""
        return Passes(forward=1, backward=0)

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the scores of each tile; NaN where a score is not about the tile."""
        room = Room(len(tiles))
        for batch in tiles.batches(settings.batch, torch.device(settings.device)):
            with torch.no_grad():
                room.add({"predicted": model(batch.images).argmax(1)})
            advance(len(batch.keys))
        called, labels = room["predicted"].cpu().numpy(), tiles.labels.numpy()
        share = tiles.marked_fraction("artefact")
        marked, clean = share >= self.least_share, share == 0
        scores = scored(called, labels, settings.target, {"marked": marked, "clean": clean})
        excluded = {
            "the manifest names no artefact image of the slide": int(np.isnan(share).sum()),
            f"an artefact touches less than {self.least_share:g} of the tile": int(
                (~marked & ~clean & ~np.isnan(share)).sum()
            ),
        }
        return Measured(tile_rows(tiles, scores), excluded)


def scored(
    called: NDArray[np.int64], labels: NDArray[np.int64], target: int, groups: Mapping[str, Flags]
) -> dict[str, NDArray[np.float64]]:
    """Return {score_group: [N]}: 1 or 0, NaN where a tile is not of the group or the score not about it.

    Args:
        called: the predicted class [N].
        labels: the true class [N].
        target: the class that false alarms call and misses overlook.
        groups: {name: bool [N]}.
    """
    about: dict[str, tuple[Flags, Flags]] = {
        "accuracy": (called == labels, np.ones(len(labels), dtype=np.bool_)),
        "false_alarm": (called == target, labels != target),
        "missed": (called != target, labels == target),
    }
    return {
        f"{name}_{group}": np.where(counted & inside, happened.astype(np.float64), np.nan)
        for name, (happened, counted) in about.items()
        for group, inside in groups.items()
    }
