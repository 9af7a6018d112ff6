"""A sequence whose items are read when they are taken, and not kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

T = TypeVar("T")


@dataclass(frozen=True)
class OnDemand(Sequence[T], Generic[T]):
    """``length`` items, each of which ``read`` returns by its place.

    Example:
        >>> squares = OnDemand(3, lambda place: place**2)
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
    def __getitem__(self, place: slice) -> "OnDemand[T]": ...

    def __getitem__(self, place: int | slice) -> "T | OnDemand[T]":
        places = range(self.length)[place]
        if isinstance(places, range):
            return OnDemand(len(places), lambda number: self.read(places[number]))
        return self.read(places)
