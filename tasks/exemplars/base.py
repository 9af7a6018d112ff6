"""The base of explanations that are not maps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pandas as pd

from tasks.artifacts.exemplar_set import INFO, ExemplarInfo
from tasks.artifacts.tile_set import TileSet
from tasks.functional.leave_as_found import leave_as_found
from tasks.models.classifier import Classifier
from tasks.plugins import Plugin, recipe_of


class ExemplarError(ValueError):
    """Nothing can be shown. One sentence says why."""


@dataclass(frozen=True)
class ExemplarJob:
    """One checkpoint, its slides, and the resources.

    Attributes:
        model: on ``device``, in eval mode with frozen parameters.
        train: the slides that it was trained on; in a fold, those with that role.
        explained: the slides that are explained.
        classes: class names in the order of the logits.
        target: index of the explained class.
        model_title: the name of the checkpoint in titles, such as ``standard, seed 0``.
        batch: images in flight; a resource.
        device: where the model lies; a resource.
        advance: called with the number of images or steps done.
    """

    model: Classifier
    train: Sequence[TileSet]
    explained: Sequence[TileSet]
    classes: tuple[str, ...]
    target: int
    model_title: str = ""
    batch: int = 64
    device: str = "cpu"
    advance: Callable[[int], None] = lambda done: None


@dataclass(frozen=True)
class ShownFile:
    """One picture or table: what it is in one sentence, and how it is written."""

    meaning: str
    write: Callable[[Path], None]


def table_file(table: pd.DataFrame, meaning: str) -> ShownFile:
    """Return the Parquet file of ``table``."""
    return ShownFile(meaning, lambda path: table.to_parquet(path, index=False))


@dataclass(frozen=True)
class Shown:
    """The result of a method.

    Attributes:
        files: {file name: the file}, PNG and Parquet; none names a patient.
        excluded: {reason: how many} could not be shown.
        measures: figures of the whole.
    """

    files: Mapping[str, ShownFile]
    excluded: Mapping[str, int] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)


class Exemplars(Plugin):
    """Shows what a network looks for by tiles or pictures instead of maps.

    The result depends on the network, the tiles, the recipe and the method's own seed alone, not on the batch
    or the order of the slides.

    Example:
        The image that each class of an untrained network responds to most, after two steps:

        >>> import numpy as np
        >>> from tasks.exemplars.activation_maximisation import ActivationMaximisation
        >>> from tasks.models.classifier import build_classifier
        >>> from tasks.models.recipe import NetworkRecipe
        >>> from tasks.scoring.input_checks import checked_images
        >>> images = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
        >>> slide = checked_images(images, [0, 1, 0, 1, 0, 1], {}, None, None)
        >>> model = build_classifier(NetworkRecipe(width=0.125), 2, (0.5,) * 3, (0.3,) * 3, seed=0)
        >>> job = ExemplarJob(model.eval(), [slide], [slide], classes=("0", "1"), target=1)
        >>> shown = ActivationMaximisation(steps=2, jitter_px=1).show(job)
        >>> sorted(shown.files)
        ['class_0.png', 'class_1.png', 'preferred.png', 'steps.parquet', 'values.parquet']
    """

    package: ClassVar[str] = "tasks.exemplars"

    def show(self, job: ExemplarJob) -> Shown:
        """Return pictures and tables; the network is left as found.

        Raises:
            ExemplarError: there is nothing to show.
        """
        raise NotImplementedError(f"{type(self).__name__} shows nothing")


def show_exemplars(exemplars: Exemplars, job: ExemplarJob, out: Path) -> dict[str, float]:
    """Write the payload of an ExemplarSet into the folder ``out`` and return the measures.

    Raises:
        ExemplarError: there is nothing to show.
    """
    with leave_as_found(job.model):
        shown = exemplars.show(job)
    info = ExemplarInfo(
        method=recipe_of(exemplars),
        meanings={name: file.meaning for name, file in shown.files.items()},
        excluded=shown.excluded,
    )
    (out / INFO).write_text(info.model_dump_json(indent=1), encoding="utf-8")
    for name, file in shown.files.items():
        file.write(out / name)
    return dict(shown.measures)
