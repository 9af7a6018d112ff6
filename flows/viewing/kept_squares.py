"""Squares of slides that were answered lately, up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

MOST_BYTES = 64_000_000


class KeptSquares:
    """The pictures used last; several threads may use it.

    Example:
        >>> kept = KeptSquares(most=5)
        >>> kept.put("a", b"123")
        >>> kept.put("b", b"45")
        >>> kept.put("c", b"6")
        >>> kept.get("a"), kept.get("b"), kept.size
        (None, b'45', 3)
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self.size = 0

    def get(self, key: Hashable) -> bytes | None:
        """Return a picture, or None where it is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, picture: bytes) -> None:
        """Keep a picture in place of those that were used least lately."""
        with self._lock:
            self.size += len(picture) - len(self._kept.pop(key, b""))
            self._kept[key] = picture
            while self.size > self._most:
                self.size -= len(self._kept.popitem(last=False)[1])
