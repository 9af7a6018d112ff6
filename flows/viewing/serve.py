"""Serve the viewer on loopback until the process is ended.

``python -m flows.viewing.serve --home HOME --port N`` shows every study that the home has run.
"""

import argparse
import ctypes
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flows.services.program import HOST
from flows.viewing.app import viewer_app
from flows.viewing.listed import ListedStudy, listed_studies

if TYPE_CHECKING:
    from flows.viewing.app import Openers
    from flows.viewing.viewed import ViewedStudy

_ARENA_MAX, _ARENAS = -8, 2
"""The name of the number of heaps for ``mallopt``, and the number."""
_DRAIN_S = 2
"""So long answers that are under way may take after the end."""


def serve(studies: "Callable[[], Openers]", home: Path, port: int) -> None:
    """Serve studies by name until a signal ends it."""
    import uvicorn

    _share_arenas()
    app = viewer_app(studies, home)
    uvicorn.run(
        app, host=HOST, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=_DRAIN_S
    )


def _share_arenas() -> None:
    """Let the threads of the server share two heaps: one each would keep what each has freed."""
    with suppress(OSError, AttributeError):  # where the allocator is another one
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)


def open_listed(home: Path, listed: ListedStudy) -> "ViewedStudy":
    """Open a study that a home has run; its manifest is found from where it was run.

    Raises:
        ConfigError, ManifestError, UsageError: it cannot be opened, or has no review page yet.
    """
    from flows.config import load_study  # heavy: only where a study is looked at
    from flows.open_study import open_study
    from flows.viewing.viewed import ViewedStudy

    config = load_study(listed.config).model_copy(update={"manifest": str(listed.manifest)})
    return ViewedStudy(open_study(config, home, listed.data_root))


def main() -> None:
    """Serve all studies of a home."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()

    def studies() -> "Openers":
        return {
            listed.name: partial(open_listed, given.home, listed) for listed in listed_studies(given.home)
        }

    serve(studies, given.home, given.port)


if __name__ == "__main__":
    main()
