"""The recipes of labels that are not outlines: the values of a picture, and a table of points."""

from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_LARGEST = 65535


def value_range(text: str) -> tuple[int, int]:
    """Return the first and last value of ``"7"`` or ``"128-255"``.

    Raises:
        ValueError: it is neither, or no value of an image of 8 or 16 bits.
    """
    first, dash, last = text.partition("-")
    try:
        low, high = int(first), int(last) if dash else int(first)
    except ValueError:
        raise ValueError(f"mask value {text!r}; allowed are a number or a range such as 128-255") from None
    if not 0 <= low <= high <= _LARGEST:
        raise ValueError(f"mask value {text!r}; allowed are 0 to {_LARGEST}, the smaller first")
    return low, high


def _checked(classes: Any) -> Any:
    """Return the classes of values with their keys as text; YAML reads ``0`` as a number."""
    if not isinstance(classes, dict):
        return classes
    named = {str(value).replace(" ", ""): meant for value, meant in classes.items()}
    ranges = sorted((value_range(value), value) for value in named)
    for ((_, last), one), ((first, _), other) in pairwise(ranges):
        if first <= last:
            raise ValueError(f"mask values {one!r} and {other!r} overlap; each value has one class")
    return named


MaskClasses = Annotated[dict[str, str], BeforeValidator(_checked)]
"""{value or range of values of a picture: class}."""

Range = tuple[float, float]


class PointsRecipe(BaseModel):
    """How the points of a table label tiles.

    A point counts for the tile whose square holds it. Points of one class give a tile that class, points of
    several classes ``mixed``, and a tile without a point has no label.

    Attributes:
        x: column of the position in level-0 pixels, to the right.
        y: column of the position in level-0 pixels, downwards.
        label: column of the label: a class, or a name with a line in ``outline_classes``.
        value: column of a number that decides in place of a label.
        value_classes: {class: (lowest, highest)} of that number, both ends included. A point between the
            ranges makes its tile ``mixed``; a point without a number is left out.
        slide: column that says which slide a point is of, by slide id or file name; without it, all are.
        radius_um: a point counts for the tiles whose centre lies within this distance, in place of the tile
            whose square holds it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: str = "x"
    y: str = "y"
    label: str = "label"
    value: str | None = None
    value_classes: dict[str, Range] = {}
    slide: str | None = None
    radius_um: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.value is None) != (not self.value_classes):
            raise ValueError("points.value and points.value_classes are stated together or not at all")
        ranges = sorted((limits, name) for name, limits in self.value_classes.items())
        for (low, high), name in ranges:
            if not low <= high:
                raise ValueError(f"points.value_classes of {name!r} runs from {low:g} to {high:g}")
        for ((_, high), one), ((low, _), other) in pairwise(ranges):
            if low <= high:
                raise ValueError(
                    f"points.value_classes of {one!r} and {other!r} overlap; a value has one class"
                )
        return self
