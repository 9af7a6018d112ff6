"""One trained model as it is recorded, with those of its results that are stored."""

from collections.abc import Callable, Iterable, Mapping

from tasks.artifacts.faithfulness_report import MODEL, FaithfulnessReport
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import digest_of
from tasks.explain import ExplainSection
from tasks.recorded.inputs import RecordInputs
from tasks.study.study import Study
from tasks.tracking.job import RecordedCheckpoint, RecordedDataset, RecordedReport

Datasets = Mapping[int | None, tuple[RecordedDataset, ...]]
RecordOf = Callable[[ArtifactKey], ArtifactRecord]


def recorded_checkpoint(
    inputs: RecordInputs, study: Study, record_of: RecordOf, model: ModelKey, datasets: Datasets
) -> RecordedCheckpoint:
    """Return a trained model with its results.

    Args:
        inputs: what is stored of the study; while it is under way, part of it.
        study: the study.
        record_of: the record of one input, by its key.
        model: which model.
        datasets: {fold: one per split}.
    """
    stored = record_of(ArtifactKey("train", model))
    controls = {control.id for control in study.section(ExplainSection).controls}
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
        fingerprint=digest_of([stored.digest, {key.label: record_of(key).digest for key in shown}]),
        digest=stored.digest,
        checkpoint=inputs.checkpoints[model],
        predictions=inputs.predictions.get(model),
        reports=tuple(_report(key, report, controls) for key, report in reports.items()),
        # Roles are as many as slides, and the datasets of the run tell them.
        params={name: value for name, value in stored.spec.recipe.items() if name != "roles"}
        | {"fingerprint": stored.fingerprint},
        measures=stored.measures,
        datasets=() if model.fold is None else datasets.get(model.fold, ()),
        calibrations={str(key.explainer): item for key, item in calibrations.items()},
        exemplars={str(key.explainer): item for key, item in exemplars.items()},
        dose=dose,
    )


def _report(key: ArtifactKey, report: FaithfulnessReport, controls: Iterable[str]) -> RecordedReport:
    explainer = key.explainer or MODEL
    return RecordedReport(explainer, str(key.metric), explainer in controls, report)
