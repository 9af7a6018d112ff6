"""Notes of parts that failed, so that ``status`` can name them; a failed part is tried again at every run."""

from pathlib import Path

from tasks.artifacts.part import Part
from tasks.artifacts.record import write_atomically


class FailureNotes:
    """One small text file a failed part, below the home folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "work" / "failed"

    def note(self, part: Part, sentence: str) -> None:
        """Remember that ``part`` failed, and why."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._folder / part.fingerprint, sentence)

    def clear(self, part: Part) -> None:
        """Forget a failure that is overcome."""
        (self._folder / part.fingerprint).unlink(missing_ok=True)

    def of(self, part: Part) -> str | None:
        """Return why ``part`` failed when it was last tried, or None."""
        path = self._folder / part.fingerprint
        return path.read_text(encoding="utf-8") if path.is_file() else None
