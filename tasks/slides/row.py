"""One row of a manifest: one slide, its patient and its files."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tasks.slides.resolution import MPP_RANGE

Split = Literal["train", "val", "test"]

REQUIRED = ("slide_id", "patient_id", "path", "split")
FILES = {
    "slide": "path",
    "annotation": "annotation",
    "points": "points",
    "evidence": "evidence",
    "decoy": "decoy",
    "artefact": "artefact",
    "coordinates": "coordinates",
}
"""The name of each file of a row, and its column."""


def _none_if_empty(value: object) -> object:
    return (value.strip() or None) if isinstance(value, str) else value


_Given = BeforeValidator(_none_if_empty)
Text = Annotated[str, _Given, Field(min_length=1)]
OptionalText = Annotated[str | None, _Given]
_Mpp = Annotated[float, Field(ge=MPP_RANGE[0], le=MPP_RANGE[1])]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SlideRow(BaseModel):
    """One slide of a cohort; an empty cell is None.

    Attributes:
        slide_id: unique; letters, digits, ``.``, ``_`` and ``-``, for it names folders.
        patient_id: a pseudonym; it stays in the store.
        path: the slide file, relative to the data root, as are the other files.
        split: where the slide belongs.
        annotation: outlines (.geojson, .json or .xml), or an image of the whole slide whose values are
            classes (.png, .jpg or .tif).
        points: labelled points (.csv), in place of an annotation.
        evidence: an image of the whole slide, nonzero where the evidence of the class lies.
        decoy: an image of the whole slide, nonzero on what looks like the evidence and is none.
        artefact: an image of the whole slide, nonzero on what no explanation should use: pen, folds, bubbles.
        coordinates: where the tiles lie (.h5 of CLAM or TRIDENT), in place of a grid on the tissue.
        label: the class of the whole slide, used where there is no annotation.
        site: the hospital or scanner.
        mpp: micrometres per level-0 pixel, used where the file does not state them.
        sha256: the expected checksum of the slide file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slide_id: Annotated[Text, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
    patient_id: Text
    path: Text
    split: Annotated[Split, _Given]
    annotation: OptionalText = None
    points: OptionalText = None
    evidence: OptionalText = None
    decoy: OptionalText = None
    artefact: OptionalText = None
    coordinates: OptionalText = None
    label: OptionalText = None
    site: OptionalText = None
    mpp: Annotated[_Mpp | None, _Given] = None
    sha256: Annotated[_Sha256 | None, _Given] = None

    @property
    def is_unlabelled(self) -> bool:
        """Whether no tile gets a label: neither annotation nor points nor a label of the slide."""
        return self.annotation is None and self.points is None and self.label is None

    def is_weakly_labelled(self, first_class: str) -> bool:
        """Return whether every tile gets the label of the slide although it may show nothing of it.

        A slide that is wholly of the first class is exact: no tile of it holds another class.
        """
        bare = self.annotation is None and self.points is None
        return bare and self.label is not None and self.label != first_class


COLUMNS = tuple(SlideRow.model_fields)


def input_files(row: SlideRow) -> dict[str, str]:
    """Return {slide, annotation, ...: path under the data root} of the files a row names."""
    named = {name: getattr(row, column) for name, column in FILES.items()}
    return {name: path for name, path in named.items() if path is not None}
