"""A study with what is stored of it, opened as its facts need it; nothing is written."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tasks.artifacts.checkpoint import Checkpoint, CheckpointInfo
from tasks.artifacts.comparison import Comparison
from tasks.artifacts.feature_set import FeatureFacts, FeatureSet
from tasks.artifacts.key import ArtifactKey, ModelKey
from tasks.artifacts.record import ArtifactRecord
from tasks.artifacts.spec import digest_of
from tasks.comparison.files import read_summary
from tasks.comparison.row import Row, rows_of
from tasks.comparison.summary import ComparisonSummary
from tasks.reporting.checklists.facts import FactTable
from tasks.slides.info import SlideInfo, read_info
from tasks.study.study import Study

_LISTED = 20
"""Of a stage with more artifacts than this, one line stands for all."""


@dataclass(frozen=True)
class StoredStudy:
    """What a report is made from.

    Attributes:
        study: the study.
        records: the stored artifacts of the present study file, by key.
        failed: {key: why} of what was tried and failed, without patients.
        planned: how many artifacts the study calls for.
    """

    study: Study
    records: Mapping[ArtifactKey, ArtifactRecord]
    failed: Mapping[ArtifactKey, str]
    planned: int

    def of(self, stage: str) -> dict[ArtifactKey, ArtifactRecord]:
        """Return the stored artifacts of a stage."""
        return {key: record for key, record in self.records.items() if key.stage == stage}

    @cached_property
    def slides(self) -> dict[str, SlideInfo]:
        """The summary of every tiled slide."""
        return {str(key.slide): read_info(self._folder(key)) for key in self.of("tile")}

    @cached_property
    def features(self) -> dict[str, FeatureFacts]:
        """What is said of the features of every embedded slide."""
        return {str(key.slide): FeatureSet(self._folder(key)).facts for key in self.of("embed")}

    @cached_property
    def checkpoints(self) -> dict[ModelKey, CheckpointInfo]:
        """What travels with the weights of every trained model."""
        return {key.model: Checkpoint(self._folder(key)).info for key in self.of("train") if key.model}

    @cached_property
    def summary(self) -> ComparisonSummary | None:
        """What the comparison is based on; None where there is none."""
        folder = self._comparison
        return None if folder is None else read_summary(folder)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the comparison."""
        folder = self._comparison
        return () if folder is None else rows_of(Comparison(folder).table)

    def origin(self, stage: str) -> str:
        """Return the artifact of a stage by label and fingerprint, or how many there are."""
        found = self.of(stage)
        if len(found) == 1:
            ((key, record),) = found.items()
            return f"{key.label} ({record.spec.kind} {record.fingerprint[:12]})"
        kind = next(iter(found.values())).spec.kind
        return f"{len(found)} artifacts of stage {stage} ({kind})"

    def in_file(self, block: str) -> str:
        """Return the words for a block of the study file."""
        return f"the block {block} of the study file"

    @property
    def in_manifest(self) -> str:
        """The words for the manifest."""
        return f"the manifest {Path(self.study.config.manifest).name}, split {self.study.split_hash[:12]}"

    @property
    def artifacts(self) -> FactTable:
        """Every artifact that is stored, and of stages with many how many and a digest over them."""
        rows: list[tuple[str, ...]] = []
        for stage, count in Counter(key.stage for key in self.records).items():
            own = self.of(stage)
            if count <= _LISTED:
                rows += [
                    (key.label, record.spec.kind, record.fingerprint[:12]) for key, record in own.items()
                ]
                continue
            kind = next(iter(own.values())).spec.kind
            digest = digest_of(sorted(record.fingerprint for record in own.values()))
            rows.append((f"{stage}: {count} artifacts", kind, f"together {digest[:12]}"))
        return FactTable(("artifact", "kind", "fingerprint"), tuple(rows))

    @cached_property
    def _comparison(self) -> Path | None:
        found = self.of("compare")
        return self._folder(next(iter(found))) if found else None

    def _folder(self, key: ArtifactKey) -> Path:
        return self.study.store.path(self.records[key].reference)


def as_sentence(note: str) -> str:
    """Return a note of a comparison as a sentence.

    Example:
        >>> as_sentence("seeds differ")
        'Seeds differ.'
    """
    return f"{note[0].upper()}{note[1:].rstrip('.')}."


def counted(values: Iterable[str]) -> str:
    """Return ``3 tumour, 2 normal``, the most common first."""
    return ", ".join(f"{count} {value or 'without label'}" for value, count in Counter(values).most_common())


def flat(value: object, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, value), in their own sequence; what is not set is left out."""
    if isinstance(value, Mapping):
        return [
            pair
            for name, inner in value.items()
            for pair in flat(inner, f"{prefix}.{name}" if prefix else str(name))
        ]
    if isinstance(value, list | tuple):
        if any(isinstance(inner, Mapping) for inner in value):
            return [
                pair for number, inner in enumerate(value, 1) for pair in flat(inner, f"{prefix}.{number}")
            ]
        value = ", ".join(map(str, value))
    return [] if value is None or value == "" else [(prefix, str(value))]


def settings_table(value: object) -> FactTable:
    """Return nested settings as a table."""
    return FactTable(("setting", "value"), tuple(flat(value)))
