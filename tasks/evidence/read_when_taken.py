"""A sequence whose items are read when they are taken, and not kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

T = TypeVar("T")


@dataclass(frozen=True)
class ReadWhenTaken(Sequence[T], Generic[T]):
    """``length`` items, each of which ``read`` returns by its place.

    Example:
        >>> squares = ReadWhenTaken(3, lambda place: place**2)
        >>> squares[2], list(squares), squares[1:][0]
        (4, [0, 1, 4], 1)
    """

    length: int
    read: Callable[[int], T]

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> "ReadWhenTaken[T]": ...

    def __getitem__(self, place: int | slice) -> "T | ReadWhenTaken[T]":
        places = range(self.length)[place]
        if isinstance(places, range):
            return ReadWhenTaken(len(places), lambda number: self.read(places[number]))
        return self.read(places)
