"""Checks of the arrays that a caller passes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.scoring.errors import ScoringError
from tasks.scoring.memory import MASKS, ImagesInMemory

Values = Tensor | NDArray[Any] | Sequence[Any]
"""A tensor on any device, an array, or nested lists."""


def checked_images(
    images: Values,
    targets: Values,
    masks: Mapping[str, Values],
    keys: Sequence[str] | None,
    patients: Sequence[str] | None,
) -> ImagesInMemory:
    """Return the checked images with their targets, masks, keys and patients.

    Raises:
        ScoringError: an input has a wrong shape, type or range.
    """
    pixels = _pixels(as_array(images, "images"))
    count = len(pixels)
    return ImagesInMemory(
        images=pixels,
        targets=_targets(as_array(targets, "targets"), count),
        keys=_keys([str(number) for number in range(count)] if keys is None else keys, count),
        patients=_patients([""] * count if patients is None else patients, count),
        masks={name: _mask(name, as_array(mask, f"masks[{name!r}]"), pixels) for name, mask in masks.items()},
    )


def checked_maps(name: str, maps: Values, images: ImagesInMemory) -> NDArray[np.float32]:
    """Return float32 [N, H, W]: the maps of one explainer, one per image.

    Raises:
        ScoringError: another shape, no numbers, or values that are not finite.
    """
    values, wanted = as_array(maps, f"attributions[{name!r}]"), images.tissue_mask.shape
    if values.shape != wanted:
        hint = "; reduce the channels to one map, by their sum where the sign is to be kept"
        raise ScoringError(
            f"attributions[{name!r}] have shape {list(values.shape)}; needed {list(wanted)}, one map an image"
            f"{hint if values.ndim == 4 else ''}"
        )
    if values.dtype.kind not in "fiu":
        raise ScoringError(f"attributions[{name!r}] are {values.dtype}; needed floats")
    values = values.astype(np.float32, copy=False)
    broken = np.flatnonzero(~np.isfinite(values).all(axis=(1, 2)))
    if len(broken):
        raise ScoringError(
            f"{len(broken)} of {len(values)} maps in attributions[{name!r}] hold values that are not finite, "
            f"the first of image {images.keys[broken[0]]!r}"
        )
    return values


def as_array(values: Values, name: str) -> NDArray[Any]:
    """Return the values on the host; types unknown to numpy, such as bfloat16, become float32."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return np.asarray(values.float() if values.dtype == torch.bfloat16 else values)
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ScoringError(f"{name} are no array: {error}") from error


def _pixels(images: NDArray[Any]) -> NDArray[Any]:
    if images.ndim != 4 or images.shape[1] != 3 or not images.size:
        raise ScoringError(f"images have shape {list(images.shape)}; needed [N, 3, H, W], at least one image")
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise ScoringError(f"images are {images.dtype}; needed uint8, or floats in [0, 1]")
    images = images.astype(np.float32, copy=False)
    if not np.isfinite(images).all():
        raise ScoringError("images hold values that are not finite")
    low, high = float(images.min()), float(images.max())
    if low < 0 or high > 1:
        raise ScoringError(
            f"images hold values from {low:g} to {high:g}; needed [0, 1], with the normalisation in the model"
        )
    return images


def _targets(targets: NDArray[Any], count: int) -> NDArray[np.int64]:
    if targets.shape != (count,) or targets.dtype.kind not in "iu":
        raise ScoringError(
            f"targets are {targets.dtype} {list(targets.shape)}; needed integers [{count}], one an image"
        )
    return targets.astype(np.int64)


def _keys(keys: Sequence[str], count: int) -> tuple[str, ...]:
    found = _names("keys", keys, count)
    twice = [key for key, times in Counter(found).items() if times > 1]
    if twice:
        raise ScoringError(f"keys must be unique, but {twice[0]!r} is listed more than once")
    return found


def _patients(patients: Sequence[str], count: int) -> tuple[str, ...]:
    found = _names("patients", patients, count)
    if any(found) and not all(found):
        raise ScoringError("some images name a patient and some do not; name one for each image, or none")
    return found


def _names(what: str, names: Sequence[str], count: int) -> tuple[str, ...]:
    if len(names) != count:
        raise ScoringError(f"{len(names)} {what} come with {count} images; needed one an image")
    return tuple(str(name) for name in names)


def _mask(name: str, mask: NDArray[Any], images: NDArray[Any]) -> NDArray[np.bool_]:
    if name not in MASKS:
        raise ScoringError(f"no mask {name!r}; the masks are: {', '.join(MASKS)}")
    wanted = (len(images), *images.shape[2:])
    if mask.shape != wanted or mask.dtype.kind not in "biu":
        raise ScoringError(
            f"masks[{name!r}] are {mask.dtype} {list(mask.shape)}; needed booleans {list(wanted)}"
        )
    return mask > 0
