"""Neuron consistency: do the tiles that excite a channel most belong to one class, also under attack?"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cosine_similarity

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.passes import Passes
from tasks.model_metrics._attack import Attack, moved_away
from tasks.model_metrics._channels import channel_table
from tasks.model_metrics._consistency import KINDS, ChannelConsistency, Observed
from tasks.model_metrics._jackknife import pseudo_values
from tasks.model_metrics._room import Room
from tasks.model_metrics._sheet import ChannelSheet, draw_channels
from tasks.model_metrics._units import slide_rows, tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles, TileBatch

CHANNELS = "channels.parquet"
PICTURE = "channels.png"
_UNDEFINED = "no two classes, or no live channel"


@dataclass(frozen=True)
class _Look:
    """The outputs of the network on n tiles: scores [n, C], predictions under attack, bool and cosine [n]."""

    clean: Tensor
    adversarial: Tensor
    predicted: Tensor
    flipped: Tensor
    cosine: Tensor


class NeuronConsistency(ModelMetric):
    """Class purity of each channel's top tiles, on clean and on adversarial images, against chance.

    The score of channel n on a tile is the maximum (or mean) over space of the last convolutional map; its
    top tiles are the highest ``top_share`` of all, and p_n is their class histogram. The consistency of a
    channel is p^T A p. The paper's A holds the WordNet similarity of ImageNet classes, which has no
    counterpart here: A is the identity, so the figure is the purity sum p^2. Scores are chance-corrected,
    (purity - chance) / (1 - chance), chance being the closed form of a random choice of as many tiles, and
    averaged over the channels that are not constant. On adversarial images p is taken by the true class
    (``adversarial_true``) and by the class that the network predicts for them (``adversarial_predicted``).

    The mean over channels is not a mean over tiles, so each slide's unit is its jackknife pseudo-value; a
    pseudo-value may leave the range of the figure, and their mean is the figure corrected for bias. With one
    slide, and for a slide without which no two classes are left, it is the plain figure. Ranks are discrete:
    two tiles whose scores differ by rounding may change places between batch sizes.
    """

    source: ClassVar[str] = (
        "Dong, Bao, Su and Zhu (2019), arXiv:1901.09035 (consistency); Dong, Su, Zhu and Bao (2017), "
        "arXiv:1708.05493 (cosines); reconstructed from abstracts and figures: pooling, number of top tiles, "
        "A = identity, the attack, which cosine is which; ours: chance correction, dead channels, intervals"
    )

    pool: Literal["max", "mean"] = "max"
    """How the map of a channel becomes its score."""
    top_share: float = Field(default=0.05, gt=0, le=0.5)
    """Fraction of the tiles, by score, that are the top ones."""
    at_least: int = Field(default=10, ge=1)
    """The fewest top tiles, as far as there are so many."""
    eps: float = Field(default=4 / 255, gt=0, le=1)
    """Largest change of a value by the attack, in pixel units of [0, 1]."""
    steps: int = Field(default=3, ge=1)
    """Steps of the attack."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the corrected purities, the cosines, the share of dead channels and of moved tiles."""
        purity = "purity of the classes of each channel's top tiles, 0 as in a random choice, 1 one class"
        cosine = "cosine of each channel's class histograms of top tiles, clean by true class and adversarial"
        slide = "; slides' values are jackknife pseudo-values"
        higher = {
            KINDS[0]: f"{purity}; clean images{slide}",
            KINDS[1]: f"{purity}; adversarial images by true class{slide}",
            KINDS[2]: f"{purity}; adversarial images by predicted class{slide}",
            "cs_true": f"{cosine} by true class{slide}",
        }
        neither = {
            "cs_predicted": f"{cosine} by predicted class{slide}",
            "dead_share": f"share of channels that are constant on the clean images{slide}",
        }
        return (
            *(ScoreInfo(name=name, direction="higher", meaning=words) for name, words in higher.items()),
            *(ScoreInfo(name=name, direction="none", meaning=words) for name, words in neither.items()),
            ScoreInfo(
                name="feature_cosine",
                direction="higher",
                lower_bound=-1.0,
                upper_bound=1.0,
                meaning="cosine of the last convolutional map, clean and adversarial; 0 for a map of zeros",
            ),
            ScoreInfo(
                name="flipped",
                direction="lower",
                lower_bound=0.0,
                upper_bound=1.0,
                meaning="whether the attack changed the predicted class",
            ),
        )

    def passes(self) -> Passes:
        """One clean forward pass, the steps of the attack, and one adversarial forward pass."""
        return Passes(forward=2 + self.steps, backward=self.steps)

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the scores, the table of channels and their picture."""
        attack = Attack(self.eps, self.steps, settings.seed)
        room = Room(len(tiles))
        for batch in tiles.batches(settings.batch, torch.device(settings.device)):
            look = self._look(model, batch, attack)
            room.add({field.name: getattr(look, field.name) for field in fields(look)})
            advance(len(batch.keys))
        found = _Look(**{name: room[name].cpu() for name in room.names()})
        return self._reduced(found, tiles, settings.seed)

    def _look(self, model: Classifier, batch: TileBatch, attack: Attack) -> _Look:
        with torch.no_grad():
            features, logits = model.with_features(batch.images)
            before = logits.argmax(1)
            moved = moved_away(model, batch.images, before, batch.keys, attack)
            changed, answers = model.with_features(moved)
        return _Look(
            clean=self._pooled(features),
            adversarial=self._pooled(changed),
            predicted=answers.argmax(1),
            flipped=answers.argmax(1) != before,
            # A map of zeros has cosine 0 here, so that a collapse cannot win.
            cosine=cosine_similarity(features.flatten(1), changed.flatten(1)).clamp(-1, 1),
        )

    def _pooled(self, features: Tensor) -> Tensor:
        return features.amax((2, 3)) if self.pool == "max" else features.mean((2, 3))

    def _reduced(self, look: _Look, tiles: MeasuredTiles, seed: int) -> Measured:
        seen = Observed(
            clean=look.clean,
            adversarial=look.adversarial,
            truth=tiles.labels,
            predicted=look.predicted,
            slides=tiles.slides,
            keys=tiles.keys,
            classes=len(tiles.classes),
        )
        consistency = ChannelConsistency(seen, self.top_share, self.at_least, seed)
        jackknife = pseudo_values(consistency.figures, seen.slides)
        per_tile = {"feature_cosine": look.cosine.double().numpy(), "flipped": look.flipped.double().numpy()}
        rows = [slide_rows(tiles, jackknife.values, dict.fromkeys(KINDS, 0.0)), tile_rows(tiles, per_tile)]
        undefined = np.isnan(np.stack(list(jackknife.values.values()))).any(axis=0)
        table = channel_table(consistency, tiles)
        sheet = ChannelSheet(table, tiles, seen.predicted.numpy(), self.eps)
        return Measured(
            scores=pd.concat(rows, ignore_index=True),
            excluded={_UNDEFINED: int(undefined.sum())},
            files={
                CHANNELS: lambda path: table.to_parquet(path, index=False),
                PICTURE: lambda path: draw_channels(sheet).save(path),
            },
            measures={"indispensable_slides": jackknife.indispensable},
        )
