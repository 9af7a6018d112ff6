"""Which exceptions mean that the user asked for something wrong (exit code 2), or that parts failed (1)."""

from flows.config import ConfigError
from flows.outcome import PartsFailedError
from flows.servers import ServerError
from flows.session import UsageError
from tasks.scoring.errors import ScoringError
from tasks.slides.errors import ManifestError

MISTAKES: tuple[type[BaseException], ...] = (ConfigError, UsageError, ManifestError, ScoringError)
FAILURES: tuple[type[BaseException], ...] = (PartsFailedError, ServerError)
