"""Names that leave no study: those of patients, and of files, which are often called after patients.

Sentences of errors are kept in notes, logs and Prefect's database. So a name is taken out of an error where
the error leaves the build, before anything else sees it.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from tasks.artifacts.redacted import redacted
from tasks.reporting.pseudonyms import without_patients
from tasks.slides.errors import SlideError
from tasks.slides.file_names import kinds_of, said_instead
from tasks.slides.row import SlideRow
from tasks.study.study import Study

_SUFFIXES = (
    "svs", "tif", "tiff", "ndpi", "mrxs", "vms", "vmu", "scn", "bif", "svslide", "dcm", "dat", "png", "jpg",
    "jpeg", "zip", "h5", "hdf5", "geojson", "xml", "csv",
)  # fmt: skip
_QUOTED = re.compile(rf"(['\"])[^'\"]*\.(?:{'|'.join(_SUFFIXES)})\1", re.IGNORECASE)
_BARE = re.compile(rf"[^\s'\",;]+\.(?:{'|'.join(_SUFFIXES)})(?![\w-])", re.IGNORECASE)
_A_FILE = "one of its files"
_COUNT = re.compile(r"\d{1,3}")
"""An id that cannot be told from a count, in a sentence that holds one."""


class HiddenError(Exception):
    """An error whose own message cannot be changed; it is told without names."""


class HiddenNames:
    """Knows the names of one study, and tells sentences without them.

    Args:
        study: the study; its salt is asked for only where a patient is named.
    """

    def __init__(self, study: Study) -> None:
        self._study = study

    def hide(self, text: str, *, strangers: bool = False) -> str:
        """Return ``text`` without patients and passwords, and with slides in place of files.

        Args:
            text: a sentence.
            strangers: hide the names of further files of slides too, such as images of a tile list.
        """
        text, root = redacted(text), f"{self._study.data_root}/"
        for name, told in _found(text, self._study.manifest.slides):
            text = said_instead(text.replace(f"{root}{name}", name), name, told)
        if strangers:
            text = _BARE.sub(_A_FILE, _QUOTED.sub(_A_FILE, text))
        named = [each for each in self._study.patients if each in text and not _COUNT.fullmatch(each)]
        return str(without_patients(text, named, self._salt())) if named else text

    def hide_error(self, error: BaseException) -> BaseException:
        """Return an error, and what caused it, without names: the same object wherever that can be."""
        each: BaseException | None = error
        seen: set[int] = set()
        while each is not None and id(each) not in seen:
            seen.add(id(each))
            strangers = isinstance(each, SlideError)
            each.args = tuple(
                self.hide(arg, strangers=strangers) if isinstance(arg, str) else arg for arg in each.args
            )
            if isinstance(each, OSError):
                # The name that the operating system was given; it is no part of ``args``.
                each.filename, each.filename2 = (
                    self.hide(str(name)) if isinstance(name, str | Path) else name
                    for name in (each.filename, each.filename2)
                )
            each = each.__cause__ or each.__context__
        told = str(error)
        if self.hide(told) == told:
            return error
        return HiddenError(f"{type(error).__name__}: {self.hide(told)}")

    def _salt(self) -> str:
        try:
            return self._study.salt
        except OSError:  # a full disk or a home that may only be read; the sentence must be told even so
            return ""


class names_hidden:  # noqa: N801  # it reads as a word of the with statement
    """Lets errors of the block go on without the names of a study."""

    def __init__(self, study: Study) -> None:
        self._names = HiddenNames(study)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        told = self._names.hide_error(error)
        if told is not error:
            raise told from None


def _found(text: str, rows: Iterable[SlideRow]) -> list[tuple[str, str]]:
    """Return the names of files that stand in ``text``, the longest first."""
    found: Mapping[str, str] = {
        name: f"the {kind} of {row.slide_id}"
        for row in rows
        for name, kind in kinds_of(row).items()
        if name in text
    }
    return sorted(found.items(), key=lambda item: len(item[0]), reverse=True)
