"""The input of a comparison: checkpoints, their predictions and their faithfulness reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tasks.aggregators.base import Aggregator
from tasks.aggregators.top_share import TopShare
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_scores import TileScores
from tasks.comparison.recipe import ComparisonRecipe
from tasks.samples.axes import MapKind


class ComparisonError(Exception):
    """The arms cannot be compared. The message says why."""


@dataclass(frozen=True)
class ArmCheck:
    """What the training of an arm is meant to move, if it works as its paper says.

    Attributes:
        endpoint: ``model/<metric>.<score>``; empty where the study does not measure it.
        direction: ``higher`` or ``lower`` than in the reference arm.
        needs: the model metric that measures it, for the sentence that it was not measured.
    """

    endpoint: str
    direction: str
    needs: str = ""


@dataclass(frozen=True)
class ComparedCheckpoint:
    """One trained model and its predictions."""

    arm: str
    seed: int
    checkpoint: Checkpoint
    predictions: Predictions


@dataclass(frozen=True)
class ComparedReport:
    """One faithfulness report.

    Attributes:
        arm: id of the arm.
        seed: seed of the training.
        explainer: explainer id, or ``model`` for a metric of the network itself.
        metric: metric id.
        is_control: the explainer sees no trained model.
        report: the scores.
        is_blind: the explainer sees no network at all. A control that contains an explainer sees one.
    """

    arm: str
    seed: int
    explainer: str
    metric: str
    is_control: bool
    report: FaithfulnessReport
    is_blind: bool = True

    @property
    def is_rival(self) -> bool:
        """Whether explainers must beat this control by this metric."""
        return self.is_control and (self.is_blind or self.report.info.rivals == "all")


@dataclass(frozen=True)
class ComparedMaps:
    """The maps of slides that one explainer gave of one model.

    Attributes:
        arm: id of the arm.
        seed: seed of the training.
        fold: the fold that the model was trained for; None without folds.
        explainer: explainer id.
        kind: what the values say, by which they are ranked signed or by magnitude.
        scores: the values.
    """

    arm: str
    seed: int
    fold: int | None
    explainer: str
    kind: MapKind
    scores: TileScores


@dataclass(frozen=True)
class TwoAxes:
    """The metrics by which maps of slides are judged, always both.

    Attributes:
        faithfulness: id of the metric that removes tiles and asks the model again.
        plausibility: id of the metric that compares values with labelled tiles. Both are empty where the
            study has none.
    """

    faithfulness: str = ""
    plausibility: str = ""


@dataclass(frozen=True)
class ComparisonJob:
    """All arms of a study and how to compare them.

    Attributes:
        study: name of the study.
        arms: ids in the order of the tables.
        classes: class names in the order of the logits.
        target: index of the explained class.
        checkpoints: one per arm and seed.
        reports: one per arm, seed, explainer and metric.
        failed_slides: {slide id: why it is missing}.
        split_hash: hash of the split, shown on the page.
        salt: secret of this installation. Patient ids in texts are replaced by salted hashes.
        recipe: how to compare.
        aggregator: the rule by which predictions score slides.
        pooling: a sentence on how folds were pooled, shown on the page. Empty without folds.
        removing: the metrics that remove elements and ask the network again. How it answers a removal is
            a property of the network too, so arms are compared in what a map adds to a blind control.
        checks: {arm: what its training is meant to move}, for arms that have such a check.
        looks: a sentence on how often these test slides were read before. Empty where that is not known.
        weak_labels: a sentence on tiles that have only their slide's label. Empty where none have.
        explained: a sentence on how many tiles have maps. Empty where that is not known.
        level: what models are asked about: tiles, or slides as bags of tiles.
        axes: the two axes of maps of slides. None for a study of tiles.
        trained_on: a sentence on the labels that each arm was trained on. Empty where all are of tiles.
        maps: maps of slides, which are compared over seeds. None are given for a study of tiles.
    """

    study: str
    arms: tuple[str, ...]
    classes: tuple[str, ...]
    target: int
    checkpoints: tuple[ComparedCheckpoint, ...]
    reports: tuple[ComparedReport, ...]
    failed_slides: Mapping[str, str] = field(default_factory=dict)
    split_hash: str = ""
    salt: str = ""
    recipe: ComparisonRecipe = field(default_factory=ComparisonRecipe)
    aggregator: Aggregator = field(default_factory=TopShare)
    pooling: str = ""
    removing: frozenset[str] = frozenset()
    checks: Mapping[str, tuple[ArmCheck, ...]] = field(default_factory=dict)
    looks: str = ""
    weak_labels: str = ""
    explained: str = ""
    level: Literal["tile", "slide"] = "tile"
    axes: TwoAxes | None = None
    trained_on: str = ""
    maps: tuple[ComparedMaps, ...] = ()

    @property
    def blind(self) -> frozenset[str]:
        """Ids of the controls that see no network."""
        return frozenset(item.explainer for item in self.reports if item.is_control and item.is_blind)

    @property
    def reference_arm(self) -> str:
        """The arm that the others are compared with."""
        return self.recipe.reference_arm or self.arms[0]

    @property
    def target_class(self) -> str:
        """Name of the explained class."""
        return self.classes[self.target]
