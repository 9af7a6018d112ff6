"""What was answered or opened lately, up to a size."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class KeptLately(Generic[V]):
    """The values used last; several threads may use it.

    Args:
        most: size of all values together.
        size_of: size of one value; without it each counts 1.

    Example:
        >>> kept = KeptLately(most=5, size_of=len)
        >>> [kept.of(key, lambda: value) for key, value in (("a", "123"), ("b", "45"), ("c", "6"))]
        ['123', '45', '6']
        >>> kept.of("a", lambda: "9"), kept.of("b", lambda: "made again"), kept.size
        ('9', '45', 4)
    """

    def __init__(self, most: int, size_of: Callable[[V], int] = lambda _: 1) -> None:
        self._most, self._size_of, self._lock = most, size_of, threading.Lock()
        self._kept: OrderedDict[Hashable, V] = OrderedDict()
        self.size = 0

    def of(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value of ``key``, made where it is not kept. Two threads may both make it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            if key in self._kept:
                self.size -= self._size_of(self._kept.pop(key))
            self._kept[key] = made
            self.size += self._size_of(made)
            while self.size > self._most:
                self.size -= self._size_of(self._kept.popitem(last=False)[1])
        return made
