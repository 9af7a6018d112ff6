"""Which exceptions mean that the user asked for something wrong: one sentence, exit code 2."""

from flows.config import ConfigError
from flows.session import UsageError
from tasks.slides.errors import ManifestError

MISTAKES: tuple[type[BaseException], ...] = (ConfigError, UsageError, ManifestError)
