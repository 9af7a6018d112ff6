"""An error that is kept as a value, for whoever runs a build and has others to run."""

from types import TracebackType


class Kept:
    """Keeps the error that its block ends with as ``error``. What ends a process goes on."""

    error: Exception | None = None

    def __enter__(self) -> "Kept":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None
