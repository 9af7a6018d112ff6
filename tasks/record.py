"""Stage record: put a finished study into MLflow."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.artifacts.calibration import Calibration
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.comparison import Comparison
from tasks.artifacts.dose import Dose
from tasks.artifacts.exemplar_set import ExemplarSet
from tasks.artifacts.faithfulness_report import MODEL, FaithfulnessReport
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.pages import RECORDING, Heatmaps, Recording, ReviewPage
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.spec import digest_of
from tasks.artifacts.tile_set import TileSet
from tasks.compare import failed_slides, report_keys
from tasks.compared.of_study import weak_labels_in_words
from tasks.comparison.costs import cost_table, training_costs
from tasks.comparison.recipe import ComparisonRecipe
from tasks.draw import drawn_slides
from tasks.embed import EmbedSection, feature_key, features_of
from tasks.evaluate import EvaluateSection
from tasks.explain import ExplainSection, explained_models
from tasks.plugins import recipe_of
from tasks.slides.manifest import SlideRow
from tasks.study.config import Section
from tasks.study.paths import with_names
from tasks.study.stage import BuildContext, Measures, Planned, Stage, optional_on_failure, some
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.recipe import TilingRecipe
from tasks.tracking.job import (
    RecordedCheckpoint,
    RecordedDataset,
    RecordedHeatmaps,
    RecordedReport,
    RecordJob,
    dataset_of,
    dataset_of_bags,
    encoder_params,
)
from tasks.train import TrainSection, dose_key, models


class RecordSection(Section):
    """Where the study is recorded in MLflow."""

    experiment: str | None = None
    """The MLflow experiment; the study's name by default."""
    tracking_uri: str | None = None
    """An MLflow server; by default a SQLite file under the home folder."""


@dataclass(frozen=True)
class RecordInputs:
    """Everything that MLflow shows of the study; what failed is left out.

    Slide models eat features, of which MLflow is told the encoder.
    """

    tiles: Mapping[str, TileSet] = optional_on_failure()
    features: Mapping[str, FeatureSet] | None = optional_on_failure()
    checkpoints: Mapping[ModelKey, Checkpoint] = some()
    predictions: Mapping[ModelKey, Predictions] = optional_on_failure()
    reports: Mapping[ArtifactKey, FaithfulnessReport] = optional_on_failure()
    heatmaps: Mapping[ArtifactKey, Heatmaps] = optional_on_failure()
    calibrations: Mapping[ArtifactKey, Calibration] = optional_on_failure()
    exemplars: Mapping[ArtifactKey, ExemplarSet] = optional_on_failure()
    doses: Mapping[ModelKey, Dose] = optional_on_failure()
    comparison: Comparison | None = optional_on_failure()
    review: ReviewPage | None = optional_on_failure()


class Record(Stage[RecordInputs]):
    """The one Recording of a study."""

    name = "record"
    group = "record"
    makes = Recording
    section = RecordSection
    tells_failures = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the recording."""
        explain = study.section(ExplainSection)
        trained = [model.key for model, _ in explained_models(study)]
        exemplars = [ArtifactKey("exemplify", m, x.id) for m in trained for x in explain.exemplars]
        searches = [ArtifactKey("calibrate", m, e) for m in trained for e in explain.searches.values()]
        drawn = [
            ArtifactKey("draw", explainer=e.id, slide=slide)
            for e in explain.explainers
            for slide in drawn_slides(study)
        ]
        yield Planned(
            key=ArtifactKey(self.name),
            recipe={
                "record": recipe_of(study.section(RecordSection)),
                "study": study.name,
                "config": _config(study),
                "split_hash": study.split_hash,
            },
            modules=("tasks.tracking.study", "tasks.comparison.costs"),
            inputs={
                **_described(study),
                "checkpoints": {model.key: model.checkpoint for model in models(study)},
                "predictions": {model: ArtifactKey("predict", model) for model in trained},
                "reports": {key: key for key in report_keys(study)},
                "heatmaps": {key: key for key in drawn},
                "calibrations": {key: key for key in searches},
                "exemplars": {key: key for key in exemplars},
                "doses": {m.key: dose_key(study, m) for m in models(study) if m.arm.dose is not None},
                "comparison": ArtifactKey("compare"),
                "review": ArtifactKey("review"),
            },
        )

    def build(self, inputs: RecordInputs, out: Path, context: BuildContext) -> Measures | None:
        """Write into MLflow what is not there yet, and note where it is."""
        from tasks.tracking.study import record_study  # MLflow, which a plan does not need

        study = context.study
        section = study.section(RecordSection)
        datasets = {fold: _datasets(inputs, context, rows) for fold, rows in _slides(study, inputs).items()}
        job = RecordJob(
            study=study.name,
            fingerprint=context.spec.fingerprint,
            home=study.home,
            checkpoints=tuple(_checkpoint(inputs, context, key, datasets) for key in inputs.checkpoints),
            experiment=section.experiment or study.name,
            tracking_uri=section.tracking_uri,
            config=_config(study),
            params={**_headline(study), **_encoder(inputs)},
            comparison=None if inputs.comparison is None else inputs.comparison.folder,
            review=None if inputs.review is None else inputs.review.page,
            heatmaps=tuple(
                RecordedHeatmaps(str(key.explainer), str(key.slide), drawn.folder)
                for key, drawn in inputs.heatmaps.items()
            ),
            datasets=datasets[None],
            split_hash=study.split_hash,
            patients=study.patients,
            salt=study.salt,
            failed_slides=failed_slides(context),
            command=context.tags.get("command", ""),
            costs=_costs(context, inputs.checkpoints),
            tags={name: text for name, text in context.tags.items() if name != "command"},
        )
        (out / RECORDING).write_text(record_study(job).model_dump_json(indent=1), encoding="utf-8")
        return None


Datasets = Mapping[int | None, tuple[RecordedDataset, ...]]


def _checkpoint(
    inputs: RecordInputs, context: BuildContext, model: ModelKey, datasets: Datasets
) -> RecordedCheckpoint:
    stored = context.record_of(ArtifactKey("train", model))
    explain = context.study.section(ExplainSection)
    controls = {control.id for control in explain.controls}
    reports = {key: report for key, report in inputs.reports.items() if key.model == model}
    calibrations = {key: item for key, item in inputs.calibrations.items() if key.model == model}
    exemplars = {key: item for key, item in inputs.exemplars.items() if key.model == model}
    shown = [*reports, *inputs.heatmaps, *calibrations, *exemplars]
    dose = inputs.doses.get(model)
    if model in inputs.predictions:
        shown.append(ArtifactKey("predict", model))
    return RecordedCheckpoint(
        arm=model.arm,
        seed=model.seed,
        fold=model.fold,
        fingerprint=digest_of([stored.digest, {key.label: context.record_of(key).digest for key in shown}]),
        digest=stored.digest,
        checkpoint=inputs.checkpoints[model],
        predictions=inputs.predictions.get(model),
        reports=tuple(_report(key, report, controls) for key, report in reports.items()),
        # Roles are as many as slides, and the datasets of the run tell them.
        params={name: value for name, value in stored.spec.recipe.items() if name != "roles"}
        | {"fingerprint": stored.fingerprint},
        measures=stored.measures,
        datasets=() if model.fold is None else datasets[model.fold],
        calibrations={str(key.explainer): item for key, item in calibrations.items()},
        exemplars={str(key.explainer): item for key, item in exemplars.items()},
        dose=dose,
    )


def _report(key: ArtifactKey, report: FaithfulnessReport, controls: Iterable[str]) -> RecordedReport:
    explainer = key.explainer or MODEL
    return RecordedReport(explainer, str(key.metric), explainer in controls, report)


def _slides(study: Study, inputs: RecordInputs) -> dict[int | None, dict[str, list[str]]]:
    """Return {fold: {split: ids of tiled slides}}.

    The whole study is fold None: the splits of the manifest, with folds the one group ``all folds``.
    """
    known = inputs.features or inputs.tiles
    rows = [row for row in study.slides if row.slide_id in known]
    if not study.folds:
        return {None: dict(_by_split(rows))}
    whole = {"all folds": [row.slide_id for row in rows]}
    return {None: whole, **{fold.index: dict(_by_split(fold.rows(rows))) for fold in study.folds}}


def _described(study: Study) -> dict[str, dict[str, ArtifactKey]]:
    """Return the inputs that datasets are described by: tiles, or the features that slide models eat."""
    if study.config.level == "slide":
        return {"tiles": {}, "features": features_of(study.slides)}
    return {"tiles": {row.slide_id: tile_key(row.slide_id) for row in study.slides}}


def _by_split(rows: list[SlideRow]) -> Iterator[tuple[str, list[str]]]:
    for split in dict.fromkeys(row.split for row in rows):
        yield split, [row.slide_id for row in rows if row.split == split]


def _datasets(
    inputs: RecordInputs, context: BuildContext, splits: Mapping[str, list[str]]
) -> tuple[RecordedDataset, ...]:
    if inputs.features:
        sets = inputs.features
        return tuple(
            dataset_of_bags(
                split,
                [sets[slide].facts for slide in slides],
                [context.record_of(feature_key(slide)).digest for slide in slides],
            )
            for split, slides in splits.items()
        )
    return tuple(
        dataset_of(
            split,
            split,
            [inputs.tiles[slide] for slide in slides],
            [context.record_of(tile_key(slide)).digest for slide in slides],
        )
        for split, slides in splits.items()
    )


def _config(study: Study) -> dict[str, Any]:
    """Return the study file as it is recorded: without resources, which change no number.

    Folders of the manifest and of weights are paths of this machine: they tell a reader nothing, and a study
    that moved is the same study.
    """
    encoder = study.section(EmbedSection).encoder
    paths = {str(getattr(encoder, field)) for field in encoder.paths}
    paths |= {study.config.manifest, study.section(TrainSection).recipe.network.init or ""}
    config = study.config.model_dump(mode="json", exclude={"resources"})
    return {name: with_names(block, paths) for name, block in config.items()}


def _costs(context: BuildContext, trained: Iterable[ModelKey]) -> str:
    """Return what training cost, from the records of the checkpoints."""
    measured = {model: context.record_of(ArtifactKey("train", model)).measures for model in trained}
    section = context.study.section(TrainSection)
    reference = context.study.section(ComparisonRecipe).reference_arm or section.arms[0].id
    return cost_table(training_costs(measured, reference), reference)


def _models(study: Study) -> str:
    """Return the slide model of each arm."""
    train = study.section(TrainSection)
    bags = (arm.applied_to(train.recipe).bag for arm in train.arms)
    return ", ".join(dict.fromkeys(bag.model.name for bag in bags if bag is not None))


def _encoder(inputs: RecordInputs) -> dict[str, str]:
    """Return name, digest and licence of the encoder of slide models; empty at level tile."""
    first = next(iter((inputs.features or {}).values()), None)
    return {} if first is None else encoder_params(first.facts.encoder)


def _headline(study: Study) -> dict[str, str | float]:
    """Return the few settings that tell one study from another at a glance."""
    train, tiling, recipe = study.section(TrainSection), study.section(TilingRecipe), study.config.folds
    network, of_slides = train.recipe.network, study.config.level == "slide"
    folds = {} if recipe is None else {"folds": f"{len(study.folds)} of {recipe.count} by {recipe.by}"}
    return {
        "arms": ", ".join(arm.id for arm in train.arms),
        "seeds": ", ".join(str(seed) for seed in train.seeds),
        **({"models": _models(study)} if of_slides else {"network": network.module or network.name}),
        "mpp": tiling.mpp,
        "tile_px": tiling.tile_px,
        "explainers": ", ".join(e.id for e in study.section(ExplainSection).explainers),
        "metrics": ", ".join(metric.id for metric in study.section(EvaluateSection).metrics),
        "device": study.device,
        **folds,
        **({"weak_labels": "yes"} if weak_labels_in_words(study) else {}),
    }
