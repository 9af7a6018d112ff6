"""Results of a finished study: the artifacts of its last recording, opened as typed views."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.recordings import all_records, last_recordings, reached
from tasks.artifacts.store import Store

A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True)
class Results:
    """The artifacts that the last recording of a study was made from, with their records.

    Attributes:
        study: the name of the study.
        records: the record of each artifact, by the label of its key. A record holds the recipe, the inputs,
            the library versions and what the build measured.
    """

    study: str
    records: Mapping[str, ArtifactRecord]
    _store: Store

    def labels(self, stage: str | None = None) -> tuple[str, ...]:
        """Return the labels of all artifacts, or of those that one stage made, sorted."""
        return tuple(sorted(x for x, record in self.records.items() if stage in (None, record.spec.stage)))

    def open(self, key: ArtifactKey | str, view: type[A]) -> A:
        """Open an artifact as a view of the type ``view``.

        Args:
            key: the artifact, as a key or as the label of one.
            view: the type of the artifact, such as :class:`Checkpoint`.

        Raises:
            LookupError: the study has no such artifact, or its payload is damaged.
            TypeError: the artifact is of another type.
        """
        record = self.records.get(str(key))
        if record is None:
            raise LookupError(f"the results of {self.study!r} hold no {key}")
        if record.spec.kind != view.kind():
            raise TypeError(f"{key} is of type {record.spec.kind}, not {view.kind()}")
        opened = view(self._store.path(record.reference))
        opened.check()
        return opened


def open_results(
    home: str | Path = ".veritile", study: str | None = None, store: str | None = None
) -> Results:
    """Open the results of a study that ran to its end. Neither slides nor the study file are needed.

    Args:
        home: the folder of all state.
        study: the name of the study; not needed if the home holds one study only.
        store: the address that the study names in ``resources.store``; by default the home's own store.

    Raises:
        LookupError: the home holds no finished study of that name, or several and none was named.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from veritile import open_results
        >>> with TemporaryDirectory() as home:
        ...     open_results(home)
        Traceback (most recent call last):
        LookupError: no finished study in this home
    """
    opened = Store(Path(home), store)
    records = all_records(opened)
    recordings = last_recordings(opened, records.values())
    name = _one_of(sorted(recordings), study)
    labelled: dict[str, ArtifactRecord] = {}
    for record in reached(records, [recordings[name]]).values():
        # Where a comparison was made from an older report, the recording's own input comes first.
        labelled.setdefault(record.spec.label, record)
    return Results(name, labelled, opened)


def _one_of(names: list[str], wanted: str | None) -> str:
    if wanted in names:
        return wanted
    listed = f"; there are: {', '.join(names)}" if names else ""
    if wanted is not None:
        raise LookupError(f"no finished study {wanted!r} in this home{listed}")
    if len(names) != 1:
        raise LookupError(f"name one of the studies{listed}" if names else "no finished study in this home")
    return names[0]
