"""Views that keep nothing between two uses.

A view remembers what it has read: tables, masks, and arrays that are mapped from files. Whoever goes through
the slides of a cohort therefore takes a new view of each slide and drops it before the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar, overload

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

V = TypeVar("V", bound="DataclassInstance")


def afresh(view: V) -> V:
    """Return the same view with nothing read yet: a copy of its fields alone."""
    return replace(view)


@dataclass(frozen=True)
class Afresh(Sequence[V], Generic[V]):
    """Some views, each of which is new whenever it is taken.

    Attributes:
        views: nothing is ever read through these themselves.
    """

    views: Sequence[V]

    def __len__(self) -> int:
        return len(self.views)

    @overload
    def __getitem__(self, place: int) -> V: ...

    @overload
    def __getitem__(self, place: slice) -> "Afresh[V]": ...

    def __getitem__(self, place: int | slice) -> "V | Afresh[V]":
        if isinstance(place, slice):
            return Afresh(self.views[place])
        return afresh(self.views[place])
