"""Before stages read: splits are checked again, access to test slides is logged, failures are counted.

A study that looks at its test slides often is a study that was tuned on them, so each look is one line.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.engine.outcome import TooManyFailedSlidesError
from flows.engine.resolve import RunState
from flows.engine.stages import AnyStage
from tasks.artifacts.journal import append_line
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.storage_errors import Storing
from tasks.explain import explained_models
from tasks.reporting.pseudonyms import salted_hash
from tasks.slides.manifest import assert_disjoint
from tasks.study.folds import dealt_out, refuse_parted
from tasks.study.study import Study

_log = logging.getLogger("veritile.study")
FILE = "test_readings.jsonl"


class Guard:
    """Stands before every build of one run.

    Args:
        study: the study.
        to_make: what the run makes.
    """

    def __init__(self, study: Study, to_make: Iterable[ArtifactKey]) -> None:
        self._study = study
        self._to_make = Counter((key.stage, _fold(key)) for key in to_make)
        self._logged: set[tuple[str, int | None]] = set()

    def before(self, stage: AnyStage, key: ArtifactKey) -> None:
        """Check the splits again before models are made or judged, and log what reads test slides.

        Raises:
            ManifestError: a patient lies in two splits.
            ConfigError: a patient lies on two sides of a fold.
        """
        fold = _fold(key)
        if (stage.name, fold) in self._logged or not (stage.asks_models or stage.reads_held_out):
            return
        refuse_leaks(self._study)
        self._logged.add((stage.name, fold))
        if stage.reads_held_out:
            self._note(stage.name, fold)

    def stops(self, stage: AnyStage, state: RunState) -> bool:
        """Say whether no further build of ``stage`` starts, as more slides failed than are tolerated."""
        return not stage.tolerates_failures and self._too_many(state)

    def refuse_too_many(self, state: RunState) -> None:
        """End the study where more slides failed than it tolerates.

        Raises:
            TooManyFailedSlidesError: naming each slide with its reason.
        """
        if not self._too_many(state):
            return
        failed = state.failed_slides
        allowed = self._study.config.failures.max_failed_slides
        listed = "\n".join(f"  {slide}: {why.removeprefix(f'{slide}: ')}" for slide, why in failed.items())
        raise TooManyFailedSlidesError(
            f"{len(failed)} of {len(self._study.slides)} slides failed, "
            f"failures.max_failed_slides allows {allowed:.0%}:\n{listed}"
        )

    def _too_many(self, state: RunState) -> bool:
        allowed = self._study.config.failures.max_failed_slides
        return len(state.failed_slides) > allowed * len(self._study.slides)

    def _note(self, stage: str, fold: int | None) -> None:
        """Append one line to ``logs/test_readings.jsonl`` if ``stage`` is about to read test slides."""
        slides = _held_out(self._study, fold)
        if not slides:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "study": self._study.name,
            "stage": stage,
            "split_hash": self._study.split_hash,
            **({} if fold is None else {"fold": fold}),
            "slides": len(slides),
            "of": _hashed(self._study, slides),
            "settings": _settings(self._study),
            "parts": self._to_make[stage, fold],
        }
        with Storing(f"logs/{FILE}", self._study.home):
            append_line(self._study.home / "logs" / FILE, json.dumps(line))
        _log.info("%s reads %d test slides (logged in logs/%s)", stage, len(slides), FILE)


def earlier_looks(study: Study) -> str:
    """Return how often a comparison read the test slides of ``study`` before, in this home, as a sentence.

    Each look at the same slides is a further chance of a false finding, and no p knows of it. The same study
    with the same settings finds the same again, so it is one look however often it is made.
    """
    slides = _held_out(study, None)
    path = study.home / "logs" / FILE
    if not slides:
        return ""
    if not path.is_file():
        return _looks(len(slides), Counter())
    own, settings = set(_hashed(study, slides)), _settings(study)
    lines = list(_whole_lines(path))
    others = {
        # Lines of an earlier version have no settings and no hashes; they say when, and which split was read.
        (str(line["study"]), str(line.get("settings", line["time"])))
        for line in lines
        if line["stage"] == "compare"
        and line.get("settings") != settings
        and (own & set(line["of"]) if "of" in line else line["split_hash"] == study.split_hash)
    }
    return _looks(len(slides), Counter(name for name, _ in sorted(others)))


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each line of the log. One that a kill cut short is named and passed over."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            _log.warning("line %d of logs/%s was cut short and counts for no look", number, FILE)


def _looks(slides: int, counts: Counter[str]) -> str:
    these = f"these {slides} test slides" if slides > 1 else "this test slide"
    if not counts:
        return f"{these} had not been compared in this home before"
    named = ", ".join(f"{study} {count}" for study, count in counts.most_common())
    often = "once" if counts.total() == 1 else f"{counts.total()} times"
    return (
        f"{these}, or some of them, had been compared {often} in this home before ({named}); each look is "
        "one more chance of a false finding, which no p below counts"
    )


def _settings(study: Study) -> str:
    """Return a digest of all that the study file says, apart from where it runs."""
    text = study.config.model_dump_json(exclude={"resources", "device", "cpu_threads"})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hashed(study: Study, slides: Iterable[str]) -> list[str]:
    """Return the slides as salted hashes, sorted: the log tells no name."""
    return sorted(salted_hash(slide, study.salt) for slide in slides)


def refuse_leaks(study: Study) -> None:
    """Assert once more, before a stage that trains or judges, that no patient lies on both sides.

    With folds that is asserted of the splits of the manifest and of the roles in each fold.

    Raises:
        ManifestError: naming each patient who does.
        ConfigError: naming the first who does in a fold.
    """
    shared = frozenset(study.config.shared_patients)
    assert_disjoint(study.manifest.slides, shared)
    recipe = study.config.folds
    if recipe is not None:
        rows = dealt_out(recipe, study.manifest.slides)
        for fold in study.folds:
            refuse_parted(recipe, rows, fold.roles, shared)


def _fold(key: ArtifactKey) -> int | None:
    return None if key.model is None else key.model.fold


def _held_out(study: Study, fold: int | None) -> set[str]:
    """Return the test slides that models explain, of one fold or of all."""
    return {
        row.slide_id
        for model, rows in explained_models(study)
        if fold in (None, model.key.fold)
        for row in rows
        if row.split == "test"
    }
