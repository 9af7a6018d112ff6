"""What a command works on, as typed by the user."""

from dataclasses import dataclass, field
from pathlib import Path

from flows.config import load_study
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions, Selection
from flows.open_study import open_study


def selected(  # one per selector of the command line
    arm: list[str] | None,
    seed: list[int] | None,
    slide: list[str] | None,
    explainer: list[str] | None,
    metric: list[str] | None,
    fold: list[int] | None,
) -> Selection:
    """Return the selection that was typed."""
    return Selection(
        tuple(arm or ()),
        tuple(seed or ()),
        tuple(slide or ()),
        tuple(explainer or ()),
        tuple(metric or ()),
        tuple(fold or ()),
    )


@dataclass(frozen=True)
class Target:
    """A study file, where its state and slides lie, and what is forced."""

    config: Path
    home: Path
    data_root: Path | None = None
    only: str | None = None
    from_stage: str | None = None
    selection: Selection = field(default_factory=Selection)

    @property
    def options(self) -> RerunOptions:
        """The checked form of what the user forces."""
        return RerunOptions(self.only, self.from_stage, self.selection)

    def plan(self) -> Plan:
        """Return the plan of the study, with the options held against it."""
        options = self.options
        plan = Plan(open_study(load_study(self.config), self.home, self.data_root))
        options.check(plan)
        return plan
