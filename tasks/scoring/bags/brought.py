"""The bags that a caller brings, in memory or in files, read one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.evidence.read_when_taken import ReadWhenTaken
from tasks.scoring.errors import ScoringError
from tasks.scoring.input_checks import Values, as_array

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BroughtBags:
    """B bags of tile features.

    Attributes:
        names: of the slides.
        features: per slide float32 [N, D].
        counts: per slide N.
        patients: per slide its patient; empty strings where none is named.
        labels: per slide its class; empty strings where none is named.
        about: per slide :data:`tasks.samples.inputs.ABOUT` of its tiles, float32 [N, 4].
        tile_classes: per slide the class of each tile, int64 [N], -1 where it is not known; or empty.
        tile_ids: per slide the ids of its tiles.
    """

    names: tuple[str, ...]
    features: Sequence[Floats]
    counts: tuple[int, ...]
    patients: tuple[str, ...]
    labels: tuple[str, ...]
    about: Sequence[Floats]
    tile_classes: Sequence[NDArray[np.int64]]
    tile_ids: Sequence[Sequence[str]]

    @property
    def table(self) -> pd.DataFrame:
        """One row per bag with slide_id, patient_id and label."""
        columns = {"slide_id": self.names, "patient_id": self.patients, "label": self.labels}
        return pd.DataFrame({name: list(values) for name, values in columns.items()})

    def moments(self, most: int = 16) -> tuple[Tensor, Tensor]:
        """Return the mean and standard deviation [D] of the tiles of the first bags; never below 1e-6."""
        first = [self.features[place].astype(np.float64) for place in range(min(most, len(self.names)))]
        tiles = np.concatenate(first)
        mean, std = tiles.mean(0), tiles.std(0)
        return torch.from_numpy(mean).float(), torch.from_numpy(np.maximum(std, 1e-6)).float()


def bags_in_memory(
    features: Mapping[str, Values],
    coordinates: Mapping[str, Values],
    darkness: Mapping[str, Values],
    tile_labels: Mapping[str, Sequence[str]],
    classes: Sequence[str],
) -> BroughtBags:
    """Return bags from arrays by slide, all checked; patients and labels are not named yet.

    Args:
        features: by slide, [N, D].
        coordinates: by slide, [N, 2] in any unit; may lack slides.
        darkness: by slide, [N]; may lack slides.
        tile_labels: by slide, N names of classes, empty where not known; may lack slides.
        classes: the names of the classes.

    Raises:
        ScoringError: an array has a wrong shape, type or range.
    """
    if not features:
        raise ScoringError("no features were given")
    arrays = {
        name: checked_features(name, as_array(each, f"features[{name!r}]")) for name, each in features.items()
    }
    names = tuple(arrays)
    refuse_several_dims({name: each.shape[1] for name, each in arrays.items()}, "the features")
    for what, given in (("coordinates", coordinates), ("darkness", darkness), ("tile labels", tile_labels)):
        strangers = sorted(set(given) - set(names))
        if strangers:
            raise ScoringError(f"{what} are given for slide {strangers[0]!r}, which has no features")
    counts = tuple(len(each) for each in arrays.values())
    about = [about_of(name, len(arrays[name]), coordinates.get(name), darkness.get(name)) for name in names]
    return BroughtBags(
        names,
        [arrays[name] for name in names],
        counts,
        ("",) * len(names),
        ("",) * len(names),
        about,
        tile_classes_of(names, counts, tile_labels, classes),
        [ids_of(name, each) for name, each in zip(names, about, strict=True)],
    )


def refuse_several_dims(dims: Mapping[str, int], what: str) -> None:
    """Refuse features of slides whose numbers per tile, given by slide, differ; ``what`` names them.

    Raises:
        ScoringError: naming two slides that differ.
    """
    first = next(iter(dims))
    for name, dim in dims.items():
        if dim != dims[first]:
            raise ScoringError(
                f"{what} have {dims[first]} numbers per tile on slide {first!r} and {dim} on slide {name!r}; "
                "they must come from one encoder"
            )


def checked_features(name: str, values: NDArray[np.generic]) -> Floats:
    """Return float32 [N, D].

    Raises:
        ScoringError: another shape, no floats, no tile, or values that are not finite.
    """
    if values.ndim == 3 and len(values) == 1:
        values = values[0]
    if values.ndim != 2 or values.dtype.kind != "f" or not values.size:
        raise ScoringError(
            f"features of {name!r} are {values.dtype} {list(values.shape)}; needed floats [N, D]"
        )
    found = np.asarray(values, dtype=np.float32)
    if not np.isfinite(found).all():
        raise ScoringError(f"features of {name!r} hold values that are not finite")
    return found


def about_of(name: str, count: int, coordinates: Values | None, darkness: Values | None) -> Floats:
    """Return float32 [N, 4], NaN where nothing is known.

    Raises:
        ScoringError: not one row per tile.
    """
    about = np.full((count, 4), np.nan, np.float32)
    for what, values, columns, shape in (
        ("coordinates", coordinates, slice(0, 2), (count, 2)),
        ("darkness", darkness, 2, (count,)),
    ):
        if values is None:
            continue
        array = as_array(values, what)
        if array.shape != shape or array.dtype.kind not in "fiu":
            raise ScoringError(
                f"the {what} of {name!r} are {array.dtype} {list(array.shape)}; needed numbers {list(shape)}"
            )
        about[:, columns] = array
    return about


def ids_of(name: str, about: Floats) -> list[str]:
    """Return an id per tile: its coordinates, or its place where these are not known or not unique."""
    places = about[:, :2]
    if np.isfinite(places).all() and len(np.unique(places, axis=0)) == len(places):
        return [f"{name}/{x:g}_{y:g}" for x, y in places.tolist()]
    return [f"{name}/{place}" for place in range(len(about))]


def tile_classes_of(
    names: Sequence[str],
    counts: Sequence[int],
    tile_labels: Mapping[str, Sequence[str]],
    classes: Sequence[str],
) -> Sequence[NDArray[np.int64]]:
    """Return per slide int64 [N], -1 where a label is not known; nothing where no slide has labels.

    Raises:
        ScoringError: not one label per tile, or a label that is no class.
    """
    if not tile_labels:
        return ()
    for name, count in zip(names, counts, strict=True):
        given = tile_labels.get(name)
        if given is not None and len(given) != count:
            raise ScoringError(f"slide {name!r} has {len(given)} tile labels and {count} tiles")
        strangers = sorted({str(label) for label in given or () if label} - set(classes))
        if strangers:
            raise ScoringError(
                f"a tile of {name!r} is labelled {strangers[0]!r}; the classes are {', '.join(classes)}"
            )

    def read(place: int) -> NDArray[np.int64]:
        given = tile_labels.get(names[place])
        if given is None:
            return np.full(counts[place], -1)
        return pd.Index(classes).get_indexer(pd.Index([str(label) for label in given])).astype(np.int64)

    return ReadWhenTaken(len(names), read)
