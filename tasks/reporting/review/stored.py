"""A review page that was written, read again: the JSON of its study and of each slide."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_OPENS = re.compile(rb'<script type="application/json" id="(study|slide-\d+)">')
_CLOSES = b"</script>"


@dataclass(frozen=True)
class StoredPage:
    """The parts of ``path``. Only where they lie is kept; a part is read when it is asked for."""

    path: Path

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        text = self.path.read_bytes()
        return {
            found.group(1).decode(): (found.end(), text.index(_CLOSES, found.end()))
            for found in _OPENS.finditer(text)
        }

    @property
    def study(self) -> dict[str, Any]:
        """What does not belong to a single slide."""
        return self._part("study")

    @property
    def slides(self) -> int:
        """How many slides the page shows."""
        return len(self._places) - 1

    def slide(self, number: int) -> dict[str, Any]:
        """Return the part of a slide.

        Raises:
            KeyError: the page has no such slide.
        """
        return self._part(f"slide-{number}")

    def _part(self, name: str) -> dict[str, Any]:
        start, end = self._places[name]
        with self.path.open("rb") as stream:
            stream.seek(start)
            part: dict[str, Any] = json.loads(stream.read(end - start))
        return part
