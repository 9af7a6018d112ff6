"""StudyConfig: one YAML file is one frozen model, without inheritance, interpolation or environment."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flows.controls import all_controls
from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.claims.endpoints import Known, performance_endpoints
from tasks.comparison.recipe import ComparisonRecipe
from tasks.comparison.row import PERFORMANCE
from tasks.exemplars.base import Exemplars
from tasks.explainers.base import AnyExplainer, Explainer
from tasks.faithfulness.base import AnyMetric, Metric
from tasks.heatmaps.job import HeatmapRecipe
from tasks.model_metrics.base import ModelMetric
from tasks.plugins import plugin_type
from tasks.tiling.recipe import TilingRecipe
from tasks.training.recipe import ArmRecipe, TrainingRecipe

STAGES = ("tile", "train", "explain", "evaluate", "compare", "record")
Stage = Literal["tile", "train", "explain", "evaluate", "compare", "record"]
Split = Literal["train", "val", "test"]

if TYPE_CHECKING:
    AnyModelMetric = ModelMetric
    AnyExemplars = Exemplars
else:
    AnyModelMetric = plugin_type(ModelMetric)
    AnyExemplars = plugin_type(Exemplars)


class ConfigError(Exception):
    """A study file that cannot be used; the message is one sentence a problem."""


class Section(BaseModel):
    """A frozen block of the study file; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class FailurePolicy(Section):
    """What the study puts up with."""

    max_failed_slides: float = Field(0.0, ge=0.0, lt=1.0)
    """The fraction of slides that may fail in the tile stage; above it the study ends after that stage."""


class FoldsRecipe(Section):
    """Cross-validation: every slide that is dealt out is held out by one fold."""

    by: Literal["patient", "slide"] = "patient"
    """What goes as a whole to one group. ``slide`` parts the slides of patients, each of whom
    ``shared_patients`` must name."""
    of: tuple[Split, ...] = Field(("train", "val"), min_length=1)
    """Slides of these splits of the manifest are dealt out; the others are left out of the study."""
    count: int = Field(5, ge=3)
    """Groups, and hence folds: one is test, one is val, at least one is train."""
    seed: int = Field(0, ge=0)
    """Of the shuffle before dealing."""
    only: tuple[int, ...] | None = Field(None, min_length=1)
    """Which folds are run; all by default."""

    @model_validator(mode="after")
    def _exist(self) -> Self:
        _refuse_repeats("folds.of", self.of)
        _refuse_repeats("folds.only", map(str, self.only or ()))
        strangers = [index for index in self.only or () if not 0 <= index < self.count]
        if strangers:
            raise ValueError(f"only names fold {strangers[0]}; the folds are 0 to {self.count - 1}")
        return self


class TrainStage(Section):
    """Every arm is trained with every seed on the same recipe."""

    arms: tuple[ArmRecipe, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    recipe: TrainingRecipe = TrainingRecipe()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        _refuse_repeats("arm ids", (arm.id for arm in self.arms))
        _refuse_repeats("seeds", map(str, self.seeds))
        return self


class ExplainStage(Section):
    """Which slides are explained, by what, and beside which maps that see no trained model."""

    splits: tuple[Split, ...] = ("test",)
    tiles_per_slide: int | None = Field(None, ge=1)
    """Explain at most so many tiles of a slide, the same for all models and explainers: those whose ids have
    the lowest hashes. None: all that could be read. Predictions are always of all."""
    explainers: tuple[AnyExplainer, ...] = Field(min_length=1)
    controls: tuple[AnyExplainer, ...] = ()
    """Maps that an explanation has to beat. Left out: all there are, those that hold an explainer with the
    first of ``explainers``; an empty list: none."""
    exemplars: tuple[AnyExemplars, ...] = ()
    """Explanations that are no maps: nearest tiles, preferred images."""
    heatmaps: HeatmapRecipe = HeatmapRecipe()

    @model_validator(mode="before")
    @classmethod
    def _every_control(cls, data: Any) -> Any:
        if isinstance(data, dict) and "controls" not in data and data.get("explainers"):
            return {**data, "controls": all_controls(data["explainers"][0])}
        return data

    @model_validator(mode="after")
    def _unique(self) -> Self:
        _refuse_repeats("explainer ids", (e.id for e in (*self.everything, *self.exemplars)))
        if MODEL in {e.id for e in self.everything}:
            raise ValueError(
                f"the id {MODEL!r} is reserved for what is measured on a model without an explainer; "
                "give that explainer another id"
            )
        strangers = [e.id for e in self.controls if not e.control]
        if strangers:
            raise ValueError(f"{', '.join(strangers)} is no control map; list it under 'explainers'")
        return self

    @property
    def everything(self) -> tuple[Explainer, ...]:
        """Explainers, then controls."""
        return (*self.explainers, *self.controls)


class EvaluateStage(Section):
    """Which metrics are computed for every map, and what is measured on the models themselves."""

    metrics: tuple[AnyMetric, ...] = Field(min_length=1)
    model_metrics: tuple[AnyModelMetric, ...] = ()
    """Measured once a model; their reports bear ``model`` where others name the explainer."""
    seed: int = 0

    @model_validator(mode="after")
    def _unique(self) -> Self:
        _refuse_repeats("metric ids", (m.id for m in (*self.metrics, *self.model_metrics)))
        return self


class RecordStage(Section):
    """Where the study is recorded in MLflow."""

    experiment: str | None = None
    """The MLflow experiment; the study's name by default."""
    tracking_uri: str | None = None
    """An MLflow server; by default a SQLite file under the home folder."""


class Resources(Section):
    """What may not change a number: how much is done at once."""

    batch: int = Field(64, ge=1)
    """Tiles a forward pass in explain and evaluate."""
    workers: int = Field(2, ge=1)
    """Slides tiled at the same time; models run one at a time and use all cores themselves."""


class StudyConfig(Section):
    """A whole study."""

    study: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$")
    manifest: str
    """The cohort's CSV, relative to the study file."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cpu_threads: int = Field(2, ge=1)
    """Threads of one model on a CPU. It is recipe: another number sums in another order, and training grows
    the last bits into other weights."""
    processes: int = Field(1, ge=1)
    """Processes that one training is spread over, which share the threads on a CPU and have an accelerator
    each elsewhere. It is recipe: other sums, other last bits."""
    shared_patients: tuple[str, ...] = ()
    """Patients that train and val may share, each allowed by name; test shares none."""
    failures: FailurePolicy = FailurePolicy()
    folds: FoldsRecipe | None = None
    """Cross-validation; without it slides have the splits of the manifest."""
    tile: TilingRecipe
    train: TrainStage
    explain: ExplainStage
    evaluate: EvaluateStage
    compare: ComparisonRecipe = ComparisonRecipe()
    record: RecordStage = RecordStage()
    resources: Resources = Resources()

    @field_validator("manifest")
    @classmethod
    def _is_csv(cls, value: str) -> str:
        if not value.endswith(".csv"):
            raise ValueError(f"the manifest must be a .csv file, got {value!r}")
        return value

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        arms = [arm.id for arm in self.train.arms]
        reference = self.compare.reference_arm
        if reference is not None and reference not in arms:
            raise ValueError(
                f"compare.reference_arm {reference!r} is no arm; the arms are: {', '.join(arms)}"
            )
        if self.train.recipe.classes != self.tile.classes:
            raise ValueError(
                f"train.recipe.classes {list(self.train.recipe.classes)} must be tile.classes "
                f"{list(self.tile.classes)}, in the same order"
            )
        self.compare.refuse_unknown(arms, self._endpoints())
        return self

    def _endpoints(self) -> Known:
        """Return what arms can be compared in; control maps are compared with, not compared."""
        maps = {metric.id: _score_names(metric) for metric in self.evaluate.metrics}
        networks = {metric.id: _score_names(metric) for metric in self.evaluate.model_metrics}
        explained = {explainer.id: maps for explainer in self.explain.explainers}
        return {**explained, PERFORMANCE: performance_endpoints(), MODEL: networks}

    @model_validator(mode="after")
    def _batches_can_be_split(self) -> Self:
        recipe = self.train.recipe
        if recipe.batch % (recipe.accumulate * self.processes):
            raise ValueError(
                f"train.recipe.batch {recipe.batch} must be split evenly by accumulate {recipe.accumulate} x "
                f"processes {self.processes}"
            )
        return self

    @model_validator(mode="after")
    def _folds_explain_a_slide_once(self) -> Self:
        if self.folds is not None and self.explain.splits not in (("test",), ("val",)):
            raise ValueError(
                f"with folds, explain.splits must be [test] or [val], got {list(self.explain.splits)}: "
                "results are pooled over folds, so each slide must be explained by one of them"
            )
        return self


def _score_names(metric: Metric | ModelMetric) -> tuple[str, ...]:
    return tuple(info.name for info in metric.score_infos())


def _refuse_repeats(what: str, values: Iterable[str]) -> None:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"{what} must be unique, but {', '.join(repeated)} stands there more than once")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file, read by the safe loader.

    Raises:
        ConfigError: the file is absent, is no YAML, or holds no mapping.
    """
    if not path.is_file():
        raise ConfigError(f"no study file at {path}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must hold a mapping of keys, got {type(data).__name__}")
    return data
