"""Notes of artifacts that failed, so that ``status`` can name them; each is tried again by every run."""

import logging
from pathlib import Path

from tasks.artifacts.record import write_atomically
from tasks.artifacts.spec import ArtifactSpec

_log = logging.getLogger("veritile.store")


class FailureNotes:
    """One small text file per failed artifact, below the home folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "work" / "failed"

    def note(self, spec: ArtifactSpec, sentence: str) -> None:
        """Remember that ``spec`` failed, and why.

        Where the disk refuses the note the run still tells the failure; only ``status`` will not know it.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._folder / spec.fingerprint, sentence)
        except OSError as error:
            _log.warning("the failure of %s could not be noted: %s", spec.label, error)

    def clear(self, spec: ArtifactSpec) -> None:
        """Forget a failure that is overcome."""
        (self._folder / spec.fingerprint).unlink(missing_ok=True)

    def of(self, spec: ArtifactSpec) -> str | None:
        """Return why ``spec`` failed when it was last tried, or None."""
        path = self._folder / spec.fingerprint
        return path.read_text(encoding="utf-8") if path.is_file() else None
