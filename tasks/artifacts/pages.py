"""What a person looks at: drawings, the review page, and the note of where MLflow holds the study."""

import json
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.artifact import Artifact

REVIEW_PAGE = "review.html"
RECORDING = "recording.json"


@dataclass(frozen=True)
class Heatmaps(Artifact):
    """The drawings of one explainer on one slide, all models: PNG files and exports."""


@dataclass(frozen=True)
class ReviewPage(Artifact):
    """One HTML page with every map beside its scores: ``review.html``."""

    @property
    def page(self) -> Path:
        """The HTML file."""
        return self.folder / REVIEW_PAGE


@dataclass(frozen=True)
class Recording(Artifact):
    """Where in MLflow the study lies: ``recording.json``."""

    @property
    def note(self) -> Path:
        """The JSON file."""
        return self.folder / RECORDING

    @property
    def parent(self) -> str:
        """The id of the MLflow run of the study."""
        return str(json.loads(self.note.read_text(encoding="utf-8"))["parent"])
