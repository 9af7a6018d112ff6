"""The study: slides in, measured heatmaps in MLflow out."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from flows.config import StudyConfig, read_study
from flows.engine.outcome import Outcome
from flows.engine.rerun import RerunOptions, Selection
from flows.engine.stages import words
from flows.log_lines import send_log_lines
from flows.open_study import open_study
from flows.run_opened import run_opened
from flows.scheduling.outcome_page import publish, summary
from flows.showing.builds import flow_run_id
from flows.showing.shown_flow import ShownFlow, kept_body

__all__ = ["StageWord", "StudyFlow", "run_opened", "study"]

FILE_DIGEST = "veritile.study_file_sha256"
"""The tag of a recording that says which bytes of the study file were run."""

if TYPE_CHECKING:
    StageWord = str
else:
    from typing import Annotated

    # Prefect's form lists the words, and a run with another one is refused in a sentence.
    StageWord = Annotated[str, Field(json_schema_extra={"enum": list(words())})]


class StudyFlow(ShownFlow):
    """The flow of a study. A call goes on without Prefect where no server answers."""

    def __call__(  # type: ignore[override]  # noqa: PLR0913  # the parameters of the flow
        self,
        config: StudyConfig | Path,
        home: Path = Path(".veritile"),
        data_root: Path | None = None,
        only: StageWord | None = None,
        from_stage: StageWord | None = None,
        selection: Selection | None = None,
        command: str = "",
        verify: bool = False,
    ) -> Outcome:
        """Run one study; see :func:`study`."""
        words_of = {"only": only, "from_stage": from_stage, "selection": selection, "command": command}
        return self.call(
            Path(home), {"config": config, "home": home, "data_root": data_root, "verify": verify, **words_of}
        )


@StudyFlow
def study(  # noqa: PLR0913  # they are the form of a deployment
    config: StudyConfig | Path,
    home: Path = Path(".veritile"),
    data_root: Path | None = None,
    only: StageWord | None = None,
    from_stage: StageWord | None = None,
    selection: Selection | None = None,
    command: str = "",
    verify: bool = False,
) -> Outcome:
    """Run one study, or force one stage of it; finished artifacts are reused from the store.

    Args:
        config: the study, or the path of its file.
        home: where all state lies.
        data_root: where the manifest's paths start; the manifest's own folder by default.
        only: make this stage again on stored inputs and leave the rest untouched.
        from_stage: make this stage again and go on to the end.
        selection: which artifacts of the forced stage; all by default.
        command: the command that was typed, for the recording.
        verify: hash every stored byte again before it is reused.
    """
    options = RerunOptions(only, from_stage, selection or Selection())
    with kept_body() as end:
        send_log_lines()
        loaded, digest = read_study(config) if isinstance(config, Path) else (config, "")
        tags = {FILE_DIGEST: digest} if digest else {}
        opened = open_study(loaded, home, data_root)
        outcome = run_opened(opened, options, command, verify=verify, tags=tags)
        end(outcome)
        if isinstance(config, Path) and flow_run_id():
            publish(config, home, summary(outcome, home))
    return outcome
