"""Adopting: stored artifacts stand for code that changed without changing a number."""

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.stages import stage_named
from flows.engine.status import ArtifactStatus, Preview
from tasks.artifacts.artifact import OutdatedArtifactError
from tasks.artifacts.backends.holds import holding
from tasks.artifacts.changes import Earlier
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import MissingArtifactError, Store


def adopt(plan: Plan, stages: frozenset[str], reason: str) -> list[ArtifactKey]:
    """Record that stored artifacts of ``stages`` stand for today's code, and return their keys.

    An artifact is adopted where its recipe, inputs and seed are unchanged, and where today's code can read
    its payload. It is then available to the artifacts after it, such as the maps of a calibration.
    """
    preview, adopted = Preview(plan, RerunOptions()), []
    for status in preview:
        if status.key.stage in stages and status.state == "would run" and status.spec is not None:
            record = _adopted(plan.study.store, preview.earlier, status, status.spec, reason)
            if record is not None:
                preview.take(status.key, record)
                adopted.append(status.key)
    return adopted


def _adopted(
    store: Store, earlier: Earlier, status: ArtifactStatus, spec: ArtifactSpec, reason: str
) -> ArtifactRecord | None:
    """Store and return the record that lets an earlier artifact stand for ``spec``; None where none may."""
    view = stage_named(status.key.stage).makes
    for old in earlier.same_but_for_code(spec):
        try:
            with holding():
                view(store.path(old.reference)).check()
        except (OutdatedArtifactError, MissingArtifactError):
            continue
        record = old.model_copy(
            update={
                "spec": spec,
                "fingerprint": spec.fingerprint,
                "adopted": reason,
            }
        )
        store.adopt(old, record)
        return record
    return None
