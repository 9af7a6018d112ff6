"""What the last two stages are told beyond their inputs: names, order, and what is missing and why."""

from flows import slots
from flows.carry_out import Progressing
from flows.outcome import failed_slides
from flows.session import Session
from tasks.comparison.job import ComparisonJob


def comparison_frame(state: Progressing) -> ComparisonJob:
    """Return the comparison's job without its checkpoints and reports, which the verb opens."""
    session, config = state.session, state.session.config
    return ComparisonJob(
        study=config.study,
        command=command_of(session),
        arms=tuple(arm.id for arm in config.train.arms),
        classes=config.tile.classes,
        target=slots.target_of(session),
        checkpoints=(),
        reports=(),
        failed_slides=failed_slides(state),
        split_hash=session.manifest.split_hash,
        recipe=config.compare,
    )


def command_of(session: Session) -> str:
    """Return the command that makes this study; a study file bears the study's name."""
    return f"veritile run pipeline_configs/{session.config.study}.yaml --data-root <folder of the slides>"
