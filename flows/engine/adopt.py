"""Adopting: stored artifacts stand for code that changed without changing a number."""

import os
import shutil

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.stages import stage_named
from flows.engine.status import ArtifactStatus, Preview
from tasks.artifacts.artifact import OutdatedArtifactError
from tasks.artifacts.changes import Earlier
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.payload import damage
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import ArtifactSpec
from tasks.artifacts.store import Store


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
            view(store.folder(old)).check()
        except OutdatedArtifactError:
            continue
        record = old.model_copy(
            update={
                "spec": spec,
                "fingerprint": spec.fingerprint,
                "adopted": reason,
            }
        )
        if damage(store.folder(old), old.files) is not None:
            continue
        if store.folder(record) != store.folder(old):
            _copy(store, old, record)
        store.put(record)
        return record
    return None


def _copy(store: Store, old: ArtifactRecord, new: ArtifactRecord) -> None:
    """Bring the payload of an artifact whose kind has another name now to where that kind is kept."""
    target = store.folder(new)
    if not target.exists():
        draft = store.drafts / f"adopt.{new.fingerprint}.{os.getpid()}"
        shutil.copytree(store.folder(old), draft, copy_function=shutil.copy2)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(target)
