"""veritile report: a reporting checklist, filled from what is stored of a study."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console

from flows.commands.target import Target
from flows.engine.plan import Plan
from flows.engine.rerun import RerunOptions
from flows.engine.status import plan_status
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.whole_file import whole_file
from tasks.reported.report import filled_for, stored_salt
from tasks.reported.stored import StoredStudy
from tasks.reporting.checklists.as_markdown import write_markdown
from tasks.reporting.checklists.as_word import can_write_word, write_word
from tasks.reporting.checklists.choice import checklist_of
from tasks.reporting.checklists.filled import FilledChecklist
from tasks.reporting.pseudonyms import without_patients
from tasks.study.errors import UsageError

Format = Literal["md", "docx"]
_HIDDEN = "(hidden: the home has no salt)"


@dataclass(frozen=True)
class ReportJob:
    """What was asked for: which checklist, in which format, and where; None prints it."""

    checklist: str
    format: str | None = None
    out: Path | None = None


def report(target: Target, job: ReportJob, console: Console) -> None:
    """Print or write the filled checklist; nothing is made, and the home stays as it is.

    Raises:
        UsageError: no such checklist or format, python-docx is absent, or nothing is stored of the study.
    """
    form = _format_of(job)
    try:
        checklist = checklist_of(job.checklist)
    except ValueError as error:
        raise UsageError(f"--checklist: {error}") from None
    if job.out is not None and job.out.resolve().is_relative_to(target.home.resolve()):
        raise UsageError(
            f"--out {job.out.name} lies in the home, which a report leaves as it is; name another folder"
        )
    filled = filled_for(stored_of(target.plan()), checklist)
    if job.out is None:
        # Not the console: it would wrap and colour the page.
        sys.stdout.write(write_markdown(filled))
        return
    _write(filled, form, job.out)
    console.print(f"wrote {job.out}: {filled.counts}", soft_wrap=True, highlight=False)


def stored_of(plan: Plan) -> StoredStudy:
    """Return what is stored of a planned study, with what failed.

    Raises:
        UsageError: nothing is stored.
    """
    study, records, failed = plan.study, dict[ArtifactKey, ArtifactRecord](), dict[ArtifactKey, str]()
    salt = stored_salt(study)
    for status in plan_status(plan, RerunOptions()):
        record = None if status.spec is None else study.store.find(status.spec, lately=True)
        if record is not None:
            records[status.key] = record
        elif status.state == "failed":
            why = status.reasons[0].removesuffix(" (it is tried again)")
            failed[status.key] = str(without_patients(why, study.patients, salt)) if salt else _HIDDEN
    if not records:
        raise UsageError(
            f"nothing is stored of {study.name} as its study file and the code stand, so there is nothing to "
            "report; veritile run makes it, and veritile status says what is missing"
        )
    return StoredStudy(study, records, failed, len(plan))


def _format_of(job: ReportJob) -> Format:
    """Return the format that was asked for, or that the name of the file says."""
    named = "docx" if job.out is not None and job.out.suffix.lower() == ".docx" else "md"
    form = job.format or named
    if form not in get_args(Format):
        raise UsageError(f"--format is {form!r}; allowed are {', '.join(get_args(Format))}")
    if job.out is not None and form != named:
        raise UsageError(f"--format {form} and --out {job.out.name} disagree; leave --format out")
    if form == "docx" and job.out is None:
        raise UsageError("--format docx writes a file; name it with --out")
    if form == "docx" and not can_write_word():
        raise UsageError(
            "--format docx needs python-docx, which is not installed; pip install 'veritile[reports]'"
        )
    return "docx" if form == "docx" else "md"


def _write(filled: FilledChecklist, form: Format, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if form == "docx":
            write_word(filled, path)
            return
        with whole_file(path) as draft:
            draft.write_text(write_markdown(filled), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {path.name} cannot be written: {error.strerror}") from error
