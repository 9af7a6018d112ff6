"""What a study that is under way can show already of each model: the inputs of its recording so far."""

from collections.abc import Set
from typing import Any

from flows.engine.plan import Plan
from flows.engine.stages import stage_named
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import Reference
from tasks.recorded.checkpoint import recorded_checkpoint
from tasks.tiling.on_demand import SlidePixels
from tasks.tracking.job import RecordedCheckpoint

RECORD = ArtifactKey("record")


class PartialResults:
    """The stored results of a study's models, opened as the stage ``record`` opens them.

    One thread may add what another opens.
    """

    def __init__(self, plan: Plan) -> None:
        self._study = plan.study
        self._planned = plan[RECORD].inputs
        self._shown = {key for key in plan[RECORD].input_keys if key.model is not None}
        self._references: dict[ArtifactKey, Reference] = {}

    def add(self, key: ArtifactKey, reference: Reference) -> ModelKey | None:
        """Note what is stored; return the model whose run shows it, or None."""
        if key not in self._shown:
            return None
        self._references[key] = reference
        return key.model

    def is_trained(self, model: ModelKey) -> bool:
        """Say whether the checkpoint of ``model`` is stored."""
        return ArtifactKey("train", model) in self._references

    def of(self, model: ModelKey, keys: Set[ArtifactKey]) -> RecordedCheckpoint:
        """Return a trained model with those of its results that ``keys`` name.

        Raises:
            MissingArtifactError: one of them has left the store.
        """
        inputs = self._opened({ArtifactKey("train", model), *keys})
        return recorded_checkpoint(inputs, self._study, self._record_of, model, {})

    def _opened(self, wanted: Set[ArtifactKey]) -> Any:
        stage, study = stage_named(RECORD.stage), self._study
        pixels = SlidePixels(study.data_root, study.row)
        given: dict[str, Any] = {}
        for name, declared in stage.input_fields().items():
            keys = self._planned.get(name, {})
            if isinstance(keys, ArtifactKey):
                given[name] = None
                continue
            given[name] = {
                member: declared.view.open(study.store.path(self._references[key]), pixels)
                for member, key in keys.items()
                if key in wanted
            }
        return stage.inputs_type()(**given)

    def _record_of(self, key: ArtifactKey) -> ArtifactRecord:
        return self._study.store.record(self._references[key])
