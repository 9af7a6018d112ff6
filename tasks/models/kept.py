"""What a thread loaded for its last build, kept for the next: loading takes as long as some maps."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class KeptInThread(threading.local, Generic[T]):
    """One thing per thread: builds that run at the same time never share a network."""

    which: object = None
    loaded: T | None = None

    @contextmanager
    def lent(self, which: object, load: Callable[[], T], *, keep: bool) -> Iterator[T]:
        """Provide what ``which`` names: what is kept, or what ``load`` returns.

        It is kept when the block ends without an error and ``keep`` says so, until the thread asks for
        another one.
        """
        loaded = self.loaded if self.which == which else None
        # Given up first, so that two are never in memory and a failed block keeps none.
        self.which, self.loaded = None, None
        if loaded is None:
            loaded = load()
        yield loaded
        if keep:
            self.which, self.loaded = which, loaded
