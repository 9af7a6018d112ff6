"""Fill the disk of a home again and again, in each stage of a study, and resume each time.

    python -m tests._support.full_disk_sweep CONFIG.json HOME ROOM...

prints one line of JSON per attempt: the stage from which on no more than ``ROOM`` bytes were free, the stages
with a build that could not be written, and the sentence with which the run ended. ``HOME`` lies on a small
disk of its own.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from flows.config import StudyConfig
from flows.engine.execute import execute
from flows.engine.outcome import settle
from flows.engine.plan import Plan
from flows.engine.request import BuildRequest
from flows.engine.rerun import RerunOptions
from flows.engine.stages import ancestors
from flows.exit_codes import FAILURES
from flows.open_study import open_study
from tasks.artifacts.storage_errors import StorageError
from tests._support.full_disk import told


class Ballast:
    """A file beside the home that leaves no more than some bytes free, once a stage has begun."""

    def __init__(self, home: Path) -> None:
        self._file = home.parent / "ballast"

    def leave(self, room: int) -> None:
        """Take all but ``room`` bytes."""
        with self._file.open("ab") as stream:
            more = shutil.disk_usage(self._file.parent).free - room
            # Of two builds side by side, one may have taken it in the meantime.
            with suppress(OSError):
                os.posix_fallocate(stream.fileno(), os.fstat(stream.fileno()).st_size, max(0, more))

    def free(self) -> None:
        """Give all back."""
        self._file.unlink(missing_ok=True)


def attempts(config: StudyConfig, home: Path, rooms: list[int]) -> Iterator[dict[str, object]]:
    """Run the study once for each stage and room, on what the runs before have stored."""
    ballast = Ballast(home)
    stages = list(dict.fromkeys(planned.key.stage for planned in Plan(open_study(config, home, None))))
    for stage in stages:
        for room in rooms:
            met: set[str] = set()
            # What stands on it finds nothing free, so that it has all to make when its turn comes.
            rooms_of = {stage: room, **{later: 0 for later in stages if stage in ancestors(later)}}

            def submit(
                request: BuildRequest, rooms_of: dict[str, int] = rooms_of, met: set[str] = met
            ) -> BaseException | None:
                if request.stage in rooms_of:
                    ballast.leave(rooms_of[request.stage])
                error = told(request)
                if isinstance(error, StorageError):
                    met.add(request.stage)
                return error

            said = ""
            try:
                settle(execute(Plan(open_study(config, home, None)), RerunOptions(), submit, {}))
            except FAILURES as error:
                said = str(error)
            finally:
                ballast.free()
            yield {"stage": stage, "room": room, "met": sorted(met), "said": said}


def main(words: list[str]) -> None:
    """Print the attempts."""
    config = StudyConfig.model_validate_json(Path(words[0]).read_text(encoding="utf-8"))
    for attempt in attempts(config, Path(words[1]), [int(word) for word in words[2:]]):
        print(json.dumps(attempt), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
