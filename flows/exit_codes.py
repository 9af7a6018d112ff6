"""Which exceptions mean that the user asked for something wrong (exit code 2), or that a run failed."""

from flows.engine.outcome import ArtifactsFailedError, NotRecordedError
from flows.servers import ServerError
from tasks.artifacts.backends.errors import StoreError
from tasks.artifacts.storage_errors import StorageError
from tasks.interchange.errors import InterchangeError
from tasks.scoring.errors import ScoringError
from tasks.slides.errors import ManifestError
from tasks.study.errors import ConfigError, UsageError

MISTAKES: tuple[type[BaseException], ...] = (
    ConfigError,
    UsageError,
    ManifestError,
    ScoringError,
    InterchangeError,
)
FAILURES: tuple[type[BaseException], ...] = (ArtifactsFailedError, ServerError, StorageError, StoreError)
NOT_RECORDED = 3
"""Everything was made and stored, but MLflow does not have it; ``veritile record`` completes it."""


def code_of(error: BaseException) -> int:
    """Return the exit code of a foreseen error."""
    if isinstance(error, MISTAKES):
        return 2
    return NOT_RECORDED if isinstance(error, NotRecordedError) else 1
