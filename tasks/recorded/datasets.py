"""The datasets of a study as they are recorded: one per split, with folds one set per fold."""

from collections.abc import Iterator, Mapping

from tasks.embed import feature_key
from tasks.recorded.checkpoint import Datasets, RecordOf
from tasks.recorded.inputs import RecordInputs
from tasks.slides.manifest import SlideRow
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tracking.job import RecordedDataset, dataset_of, dataset_of_bags


def recorded_datasets(study: Study, inputs: RecordInputs, record_of: RecordOf) -> Datasets:
    """Return the datasets of the whole study (None) and of each of its folds."""
    return {fold: _datasets(inputs, record_of, rows) for fold, rows in _slides(study, inputs).items()}


def _slides(study: Study, inputs: RecordInputs) -> dict[int | None, dict[str, list[str]]]:
    """Return {fold: {split: ids of tiled slides}}.

    The whole study is fold None: the splits of the manifest, with folds the one group ``all folds``.
    """
    known = inputs.features or inputs.tiles
    rows = [row for row in study.slides if row.slide_id in known]
    if not study.folds:
        return {None: dict(_by_split(rows))}
    whole = {"all folds": [row.slide_id for row in rows]}
    return {None: whole, **{fold.index: dict(_by_split(fold.rows(rows))) for fold in study.folds}}


def _by_split(rows: list[SlideRow]) -> Iterator[tuple[str, list[str]]]:
    for split in dict.fromkeys(row.split for row in rows):
        yield split, [row.slide_id for row in rows if row.split == split]


def _datasets(
    inputs: RecordInputs, record_of: RecordOf, splits: Mapping[str, list[str]]
) -> tuple[RecordedDataset, ...]:
    if inputs.features:
        sets = inputs.features
        return tuple(
            dataset_of_bags(
                split,
                [sets[slide].facts for slide in slides],
                [record_of(feature_key(slide)).digest for slide in slides],
            )
            for split, slides in splits.items()
        )
    return tuple(
        dataset_of(
            split,
            split,
            [inputs.tiles[slide] for slide in slides],
            [record_of(tile_key(slide)).digest for slide in slides],
        )
        for split, slides in splits.items()
    )
