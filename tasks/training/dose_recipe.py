"""How the strength of a training method is chosen by what it moves."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DoseRecipe(BaseModel):
    """The doses that are tried, and by how much the method's own quantity must move.

    Each dose trains a network on the training tiles. The method's check (``checks`` in its file) is measured
    on the validation tiles, never on test tiles, and compared with a network without the method. The first
    dose that moves it far enough is taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    """The setting of the regularizer that is its strength, such as ``weight``. The number given there is
    replaced by the dose."""

    values: tuple[float, ...] = Field(min_length=1)
    """The doses, the weakest first. Stronger ones are trained only as long as weaker ones move too little."""

    moves: float = Field(gt=0)
    """By which share of its value without the method the quantity must move, at least."""

    regularizer: str | None = None
    """The id of the regularizer, for an arm with several."""

    epochs: int | None = Field(default=None, ge=1)
    """Epochs of each training; None: half of the recipe's, rounded up."""

    seeds: int = Field(default=1, ge=1)
    """How many of the study's seeds are trained at each dose, from the first one on; their mean decides."""

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"dose.values {list(self.values)} holds a value twice; give each once")
        return self

    def short(self, epochs: int) -> int:
        """Return the epochs of a training of the search, where the recipe has ``epochs``."""
        return self.epochs or (epochs + 1) // 2
