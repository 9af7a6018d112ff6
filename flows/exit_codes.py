"""Which exceptions mean that the user asked for something wrong (exit code 2), or that a run failed (1)."""

from flows.engine.outcome import ArtifactsFailedError
from flows.servers import ServerError
from tasks.artifacts.backends.errors import StoreError
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
FAILURES: tuple[type[BaseException], ...] = (ArtifactsFailedError, ServerError, StoreError)
