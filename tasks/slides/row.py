"""One row of a manifest: one slide, its patient and its files."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tasks.slides.feature_files import is_feature_file
from tasks.slides.resolution import MPP_RANGE, ManifestMpp, MppOverride, parse_override
from tasks.slides.tile_lists.tile_list import is_tile_list

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
    "features": "features",
}
"""The name of each file of a row, and its column."""


def _none_if_empty(value: object) -> object:
    return (value.strip() or None) if isinstance(value, str) else value


def _as_override(value: object) -> object:
    text = _none_if_empty(value)
    return parse_override(text) if isinstance(text, str) else text


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
        path: the slide file, relative to the data root, as are the other files. Of a slide of several files
            it names one that opens the slide; the others belong to it. A tile list (.csv) stands for
            ready-made tile images.
        split: where the slide belongs.
        annotation: outlines (.geojson, .json or .xml), or an image of the whole slide whose values are
            classes (.png, .jpg or .tif).
        points: labelled points (.csv), in place of an annotation.
        evidence: an image of the whole slide, nonzero where the evidence of the class lies.
        decoy: an image of the whole slide, nonzero on what looks like the evidence and is none.
        artefact: an image of the whole slide, nonzero on what no explanation should use: pen, folds, bubbles.
        coordinates: where the tiles lie (.h5 of CLAM or TRIDENT), in place of a grid on the tissue.
        features: the features of its tiles (.h5 of TRIDENT, CLAM or STAMP), which no encoder then makes.
            Where ``path`` is empty they stand for the slide, which then has no pixels.
        label: the class of the whole slide, used where there is no annotation.
        site: the hospital or scanner.
        mpp: micrometres per level-0 pixel, used where the file does not state them.
        mpp_override: micrometres per level-0 pixel that count although the file states others.
        mpp_override_reason: why; needed with ``mpp_override`` and useless without it.
        sha256: the expected checksum of the file that ``path`` names.
        metadata: the cells of all further columns that are not empty, by column. Nothing is made from them.
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
    features: OptionalText = None
    label: OptionalText = None
    site: OptionalText = None
    mpp: Annotated[_Mpp | None, _Given] = None
    mpp_override: Annotated[MppOverride | None, BeforeValidator(_as_override)] = None
    mpp_override_reason: OptionalText = None
    sha256: Annotated[_Sha256 | None, _Given] = None
    metadata: dict[str, str] = Field({}, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _features_stand_for_the_slide(cls, data: Any) -> Any:
        if isinstance(data, dict) and not str(data.get("path") or "").strip() and data.get("features"):
            return {**data, "path": data["features"]}
        return data

    @model_validator(mode="after")
    def _features_have_coordinates(self) -> Self:
        if self.features is not None and not is_feature_file(self.features):
            raise ValueError(
                f"features names {self.features!r}; an .h5 is needed, for other files hold no coordinates"
            )
        if is_feature_file(self.path) and self.features != self.path:
            raise ValueError("path names an .h5; write it into features and leave path empty")
        return self

    @model_validator(mode="after")
    def _override_has_a_reason(self) -> Self:
        if self.mpp_override is not None and self.mpp_override_reason is None:
            raise ValueError("mpp_override needs mpp_override_reason, which says why the file is wrong")
        if self.mpp_override is None and self.mpp_override_reason is not None:
            raise ValueError("mpp_override_reason stands without mpp_override")
        return self

    @property
    def stated_mpp(self) -> ManifestMpp:
        """What this row says of the size of a pixel: the override if there is one, else ``mpp``."""
        return self.mpp_override if self.mpp_override is not None else self.mpp

    @property
    def lists_tiles(self) -> bool:
        """Whether the slide is a list of ready-made tile images, which has labels of its own."""
        return is_tile_list(self.path)

    @property
    def has_pixels(self) -> bool:
        """Whether there is a slide or tile list, and not its features alone."""
        return self.features != self.path

    @property
    def is_unlabelled(self) -> bool:
        """Whether no tile gets a label: neither annotation nor points nor a label of the slide."""
        bare = self.annotation is None and self.points is None and self.label is None
        return bare and not self.lists_tiles

    def is_weakly_labelled(self, first_class: str) -> bool:
        """Return whether every tile gets the label of the slide although it may show nothing of it.

        A slide that is wholly of the first class is exact: no tile of it holds another class. The tiles of a
        tile list have the labels of the list, never that of the slide, and features alone have none.
        """
        bare = self.annotation is None and self.points is None and not self.lists_tiles and self.has_pixels
        return bare and self.label is not None and self.label != first_class


COLUMNS = tuple(name for name in SlideRow.model_fields if name != "metadata")
"""The columns with a meaning; all others are metadata."""


def below(row: SlideRow, url: str) -> SlideRow:
    """Return a row whose URLs below ``url`` start from it, so that it equals that of a folder."""
    named = {column: getattr(row, column) for column in FILES.values()}
    start = f"{url}/"
    inside = {n: value.removeprefix(start) for n, value in named.items() if value and value.startswith(start)}
    return row.model_copy(update=inside) if inside else row


def input_files(row: SlideRow) -> dict[str, str]:
    """Return {slide, annotation, ...: path under the data root} of the files a row names."""
    named = {name: getattr(row, column) for name, column in FILES.items()}
    return {name: path for name, path in named.items() if path is not None}
