"""The plan of a study, looked at by label."""

from pathlib import Path

from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions, Selection
from flows.engine.status import plan_status
from flows.open_study import open_study
from tasks.artifacts.key import ArtifactKey
from tasks.study.config import StudyBase
from tasks.study.stage import Planned


def plan_of(config: StudyBase, home: Path, data_root: Path | None = None) -> Plan:
    """Open the study and plan it."""
    return Plan(open_study(config, home, data_root))


def labelled(plan: Plan, stage: str) -> dict[str, Planned]:
    """Return the artifacts of a stage by label."""
    return {planned.key.label: planned for planned in plan.of(stage)}


def input_labels(planned: Planned) -> set[str]:
    """Return the labels of everything that an artifact is made from."""
    return {key.label for key in planned.input_keys}


def slides_of(planned: Planned, name: str | None = None) -> set[str]:
    """Return the slides whose tiles an artifact is made from, of one input or of all."""
    keys = planned.input_keys if name is None else planned.inputs[name].values()
    return {str(key.slide) for key in keys if key.stage == "tile"}


def statuses(config: StudyBase, home: Path, **options: object) -> dict[str, object]:
    """Return where every artifact stands, by label."""
    rerun = RerunOptions(**options)
    return {s.key.label: s for s in plan_status(plan_of(config, home), rerun)}


def key_of(plan: Plan, label: str) -> ArtifactKey:
    """Return the key that prints as ``label``."""
    return next(planned.key for planned in plan if planned.key.label == label)


__all__ = ["Selection", "input_labels", "key_of", "labelled", "plan_of", "slides_of", "statuses"]
