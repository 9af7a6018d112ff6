"""A checklist filled for a study, from what is stored of it."""

import secrets
from collections.abc import Iterator

from tasks.reported.of_data import facts_of_data
from tasks.reported.of_methods import facts_of_methods
from tasks.reported.of_models import facts_of_models
from tasks.reported.of_results import facts_of_results
from tasks.reported.of_splits import facts_of_splits
from tasks.reported.stored import StoredStudy
from tasks.reporting.checklists.checklist import Checklist
from tasks.reporting.checklists.facts import Fact
from tasks.reporting.checklists.filled import FilledChecklist, fill
from tasks.reporting.pseudonyms import salted_hash
from tasks.study.study import Study


def filled_for(stored: StoredStudy, checklist: Checklist) -> FilledChecklist:
    """Return ``checklist`` with everything that the study says, and with what its author must add."""
    salt = stored_salt(stored.study)
    return FilledChecklist(
        study=stored.study.name,
        checklist=checklist,
        items=fill(checklist, tuple(_facts(stored, salt or secrets.token_hex(16)))),
        notes=tuple(_notes(stored, salt)),
        patients=_patients(stored.study, salt),
        artifacts=stored.artifacts,
    )


def stored_salt(study: Study) -> str:
    """Return the salt of the home; empty where there is none, for a report makes none."""
    path = study.home / "salt"
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _facts(stored: StoredStudy, salt: str) -> Iterator[Fact]:
    yield from facts_of_data(stored)
    yield from facts_of_splits(stored)
    yield from facts_of_models(stored)
    yield from facts_of_methods(stored, salt)
    yield from facts_of_results(stored)


def _notes(stored: StoredStudy, salt: str) -> Iterator[str]:
    there = len(stored.records)
    if there < stored.planned:
        yield (
            f"The study is not finished: {there} of {stored.planned} artifacts are stored, and "
            f"{len(stored.failed)} failed. What is missing is not said below."
        )
    if not salt:
        yield "The home has no salt yet, so patients are counted and not listed as salted hashes."


def _patients(study: Study, salt: str) -> dict[str, tuple[str, ...]]:
    if not salt:
        return {}
    return {
        split: tuple(
            sorted(
                salted_hash(patient, salt)
                for patient in {r.patient_id for r in study.slides if r.split == split}
            )
        )
        for split in ("train", "val", "test")
        if any(row.split == split for row in study.slides)
    }
