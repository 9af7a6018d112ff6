"""BagPhantomRecipe: which rule labels the slides of a cohort, and how large it is."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Rule = Literal["present", "absent", "a_not_b", "pairs", "stamp"]
"""What makes a slide positive, of the kinds of tiles A, B, C and D:

``present``: a tile of kind A is on it. ``absent``: none is. ``a_not_b``: A is on it and B is not. ``pairs``:
A together with B, or C together with D; each kind alone, and its number, says nothing. ``stamp``: as
``present``, but on slides to train and validate on every positive slide, and no other, bears a stamp of ink
on one plain tile; on test slides the stamp is on half of the slides, whatever their label."""


class BagPhantomRecipe(BaseModel):
    """The rule and the size of a cohort. Every slide has a patient of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    rule: Rule = "present"
    seed: int = Field(default=0, ge=0)
    train: int = Field(default=40, ge=4)
    """Slides to train on; half of them are positive, as in the other splits."""
    val: int = Field(default=16, ge=4)
    test: int = Field(default=40, ge=4)
    columns: int = Field(default=8, ge=3, le=40)
    """Tiles side by side."""
    rows: int = Field(default=6, ge=3, le=40)
    tile_px: int = Field(default=64, ge=32, le=256)
    mpp: float = Field(default=0.5, ge=0.2, le=1.2)
    fewest: int = Field(default=3, ge=1)
    """The fewest tiles of a kind that is on a slide."""
    most: int = Field(default=8, ge=1)
    """The most tiles of a kind that is on a slide."""
    stain_spread: float = Field(default=0.5, ge=0.0, le=2.0)
    """How far the stains of the slides lie apart; 0 gives all of them the same."""
    jpeg_quality: int = Field(default=90, ge=50, le=100)

    @model_validator(mode="after")
    def _kinds_fit_on_a_slide(self) -> Self:
        if self.fewest > self.most:
            raise ValueError(f"fewest {self.fewest} is above most {self.most}")
        if 2 * self.most + 1 > self.columns * self.rows:
            raise ValueError(
                f"two kinds of {self.most} tiles and a stamp do not fit on {self.columns} x {self.rows} tiles"
            )
        return self
