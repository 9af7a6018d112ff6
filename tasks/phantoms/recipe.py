"""PhantomRecipe: everything that decides how a synthetic cohort looks."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SlideCount = Annotated[int, Field(ge=1, le=20)]


class PhantomRecipe(BaseModel):
    """Patients, slides and size of a phantom cohort; lengths in micrometres hold at every ``mpp``.

    ``train``, ``val`` and ``test`` list the number of slides of each patient: ``(2, 1)`` is a patient with
    two slides and one with one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    seed: int = Field(default=0, ge=0)
    train: tuple[SlideCount, ...] = (2, 2, 2)
    val: tuple[SlideCount, ...] = (2,)
    test: tuple[SlideCount, ...] = (2, 1, 1, 2, 1)
    normal_every: int = Field(default=3, ge=2)
    """One slide in this many holds no tumour, starting with the second of each split."""
    size_px: tuple[int, int] = (1664, 1152)
    """Width and height of level 0."""
    mpp: float = Field(default=0.5, ge=0.2, le=1.2)
    sections: int = Field(default=2, ge=1, le=6)
    """Pieces of tissue on each slide."""
    stain_spread: float = Field(default=1.0, ge=0.0, le=2.0)
    """How far the patients' stains lie apart; 0 gives all of them the same."""
    atypia: float = Field(default=1.0, gt=0.0, le=1.0)
    """How far tumour nuclei are from benign ones, in size, shape, chromatin and nucleoli; small is hard."""
    granules: bool = False
    """The nuclei of tumour nests are benign ones, and granules of brown pigment tell a nest. All islands hold
    equally many granules of one size, shape and darkness. In nests half of them are brown and half are blue,
    in benign islands all are blue. The evidence is then the brown ones and the decoys are the blue ones.
    ``atypia`` has no part in it."""
    confounder: bool = False
    """Ink on the glass. Training and validation slides have it on every tumour nest and nowhere else; test
    slides on half of the cell islands, tumour or not."""
    twins: bool | Literal["scattered"] = False
    """With the confounder: draw every training and validation slide with ink a second time without it, equal
    to the last cell. The manifest then says ``inked``, ``clean`` (the twin, ``<slide>_clean``) or
    ``unmarked`` (never any ink) as their site, so that an arm can be trained on either. ``scattered``: the
    twin, ``<slide>_scattered``, has ink as test slides have it, on half of the islands, whatever they are,
    and slides without tumour have such a twin too. An arm that learns from the twins has then seen ink that
    says nothing."""
    jpeg_quality: int = Field(default=90, ge=50, le=100)

    @model_validator(mode="after")
    def _section_holds_a_nest(self) -> Self:
        column_um = self.size_px[0] * self.mpp / self.sections
        if column_um < 300 or self.size_px[1] * self.mpp < 300:
            raise ValueError(
                f"size_px {self.size_px} at mpp {self.mpp} with sections {self.sections} leaves less than "
                f"the 300 um by 300 um that one piece of tissue with a nest needs"
            )
        if max(self.size_px) > 20_000:
            raise ValueError(f"size_px {self.size_px} is too large to draw; allowed: 20000 px a side")
        return self

    @model_validator(mode="after")
    def _twins_differ(self) -> Self:
        if self.twins and not self.confounder:
            raise ValueError("twins are slides with and without ink; without confounder there is no ink")
        return self
