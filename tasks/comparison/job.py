"""What a comparison is made from: checkpoints, their predictions and their faithfulness reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tasks.aggregators.base import Aggregator
from tasks.aggregators.top_share import TopShare
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import FaithfulnessReport
from tasks.artifacts.predictions import Predictions
from tasks.comparison.recipe import ComparisonRecipe


class ComparisonError(Exception):
    """Arms that cannot be compared; one sentence says why."""


@dataclass(frozen=True)
class ComparedCheckpoint:
    """One trained model; ``measures`` hold its training cost (seconds, tiles_per_second, ...)."""

    arm: str
    seed: int
    checkpoint: Checkpoint
    predictions: Predictions
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ComparedReport:
    """One faithfulness report.

    ``is_control`` where its explainer is one that sees no trained model, ``is_blind`` where that sees no
    network at all: a control that holds an explainer does.
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
        """Whether explainers are to beat it by this metric."""
        return self.is_control and (self.is_blind or self.report.info.rivals == "all")


@dataclass(frozen=True)
class ComparisonJob:
    """All arms side by side.

    Attributes:
        study: name of the study.
        command: the command that made the comparison, for the page.
        arms: ids in the order of the tables.
        classes: class names in the order of the logits.
        target: index of the explained class.
        checkpoints: every arm and seed.
        reports: every arm, seed, explainer and metric.
        failed_slides: {slide id: why it is missing}.
        split_hash: hash of the split, for the page.
        salt: secret of this installation that patient ids are hashed with, should a text name one.
        recipe: how to compare.
        aggregator: the rule by which predictions score slides.
        pooling: that results of several folds are pooled, for the page; empty without folds.
    """

    study: str
    command: str
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

    @property
    def reference_arm(self) -> str:
        """The arm that the others are compared with."""
        return self.recipe.reference_arm or self.arms[0]

    @property
    def target_class(self) -> str:
        """Name of the explained class."""
        return self.classes[self.target]
