"""Stage record: put a finished study into MLflow."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.pages import RECORDING, Recording
from tasks.compare import failed_slides, report_keys
from tasks.draw import drawn_slides
from tasks.embed import Embed, features_of
from tasks.explain import ExplainSection, explained_models
from tasks.plugins import recipe_of
from tasks.recorded.checkpoint import recorded_checkpoint
from tasks.recorded.datasets import recorded_datasets
from tasks.recorded.inputs import RecordInputs, RecordSection
from tasks.recorded.study import bare_job, encoder_of, headline, recorded_config, training_table
from tasks.study.stage import BuildContext, Measures, Planned, Stage
from tasks.study.study import Study
from tasks.tile import Tile, tile_key
from tasks.tracking.job import RecordedHeatmaps
from tasks.train import dose_key, models


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
                "config": recorded_config(study),
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

        study, record_of = context.study, context.record_of
        datasets = recorded_datasets(study, inputs, record_of)
        job = replace(
            bare_job(study, context.tags, context.spec.fingerprint),
            checkpoints=tuple(
                recorded_checkpoint(inputs, study, record_of, key, datasets) for key in inputs.checkpoints
            ),
            params={**headline(study), **encoder_of(inputs)},
            comparison=None if inputs.comparison is None else inputs.comparison.folder,
            review=None if inputs.review is None else inputs.review.page,
            heatmaps=tuple(
                RecordedHeatmaps(str(key.explainer), str(key.slide), drawn.folder)
                for key, drawn in inputs.heatmaps.items()
            ),
            datasets=datasets[None],
            failed_slides=failed_slides(context),
            failures=_failures(context),
            costs=training_table(study, record_of, inputs.checkpoints),
        )
        (out / RECORDING).write_text(record_study(job).model_dump_json(indent=1), encoding="utf-8")
        return None


def _described(study: Study) -> dict[str, dict[str, ArtifactKey]]:
    """Return the inputs that datasets are described by: tiles, or the features that slide models eat."""
    if study.config.level == "slide":
        return {"tiles": {}, "features": features_of(study.slides)}
    return {"tiles": {row.slide_id: tile_key(row.slide_id) for row in study.slides}}


def _failures(context: BuildContext) -> dict[str, str]:
    """Return {artifact: reason} of what failed itself, apart from slides, of which a study tolerates some."""
    tolerated = [stage.name for stage in (Tile, Embed) if stage.tolerates_failures]
    told = context.spec.recipe.get("failed", {})
    return {
        key.label: why
        for key, why in context.failures.items()
        if key.stage not in tolerated and key.label in told
    }
