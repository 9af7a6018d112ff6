"""Tables of labels and splits of CLAM and Patho-Bench, as rows of a manifest. Ids stay text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from tasks.artifacts.strict_yaml import StrictYamlError, strict_yaml
from tasks.interchange.drawn_splits import DEFAULT, SplitFractions, draw_splits
from tasks.interchange.errors import InterchangeError
from tasks.interchange.text_tables import need_columns, read_text_table, same_within
from tasks.slides.row import Split

SPLITS: tuple[Split, ...] = ("train", "val", "test")


class LabelledSlides(NamedTuple):
    """What a table says of its slides, by slide id.

    Attributes:
        patients: the patient of each slide.
        labels: the class of each slide.
        splits: the split of each slide that has one.
        notes: what a person should know.
    """

    patients: Mapping[str, str]
    labels: Mapping[str, str]
    splits: Mapping[str, Split]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ManifestJob:
    """How labelled slides become rows.

    Attributes:
        path: the path of a slide below the data root, with ``{slide}`` for its id.
        column: ``path`` for slides, ``features`` for feature files.
        mpp: micrometres per level-0 pixel of all slides; None where their files state them.
        labels: {value in the table: class}; others stay as they are.
        fractions: of patients per split, where the table names none.
        seed: of the draw of splits.
        coordinates: the path of the file that says where the tiles of a slide lie, with ``{slide}`` for its
            id; None where they lie on a grid.
    """

    path: str
    column: str = "path"
    mpp: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    fractions: SplitFractions = DEFAULT
    seed: int = 0
    coordinates: str | None = None


def read_clam(table: Path, splits: Path | None = None) -> LabelledSlides:
    """Return the slides of a table of CLAM: ``case_id``, ``slide_id``, ``label``.

    Args:
        table: the table.
        splits: ``splits_k.csv`` with a column of slide ids per split, or its form with a truth value per
            slide and split (``_bool.csv``). Slides that it does not name have no split.

    Raises:
        InterchangeError: a column is absent, a slide has two labels or two splits, or a split names a slide
            that the table does not have.
    """
    read, where = read_text_table(table), table.name
    need_columns(read, ("case_id", "slide_id", "label"), where)
    patients = same_within(read, "slide_id", "case_id", where)
    labels = same_within(read, "slide_id", "label", where)
    if splits is None:
        return LabelledSlides(patients, labels, {})
    assigned = _clam_splits(read_text_table(splits), splits.name)
    strange = [slide for slide in assigned if slide not in patients]
    if strange:
        raise InterchangeError(
            f"{splits.name} names slide {strange[0]!r}, which {where} does not have; zeros before a number "
            "are lost where a table was read as numbers"
        )
    missing = [slide for slide in patients if slide not in assigned]
    note = f"{len(missing)} slides of {where} are in no split of {splits.name} and are left out"
    return LabelledSlides(patients, labels, assigned, (note,) if missing else ())


def read_patho_bench(table: Path, fold: int | None = None, config: Path | None = None) -> LabelledSlides:
    """Return the slides of a task of Patho-Bench: ``k=all.tsv`` with a column per fold.

    Args:
        table: the table; its columns are ``case_id``, ``slide_id``, the task, and ``fold_0`` and so on.
        fold: whose train, val and test count; None: no splits, for a study that makes folds of its own.
        config: ``config.yaml``, which says the columns; by default the one beside the table, where it is.

    Raises:
        InterchangeError: a column is absent, no single task is told, or labels or folds differ within a
            sample.
    """
    read, where = read_text_table(table), table.name
    stated = _config(config or table.parent / "config.yaml", needed=config is not None)
    need_columns(read, ("case_id", "slide_id"), where)
    task = str(stated.get("task_col") or _only_task(read, where))
    sample = str(stated.get("sample_col") or "case_id")
    need_columns(read, (task, sample), where)
    same_within(read, sample, task, where)
    folds = [name for name in read.columns if name.startswith("fold_")]
    for name in folds:
        same_within(read, sample, name, where)
    stored = same_within(read, "slide_id", task, where)
    meanings = _meanings(stated.get("label_dict"))
    labels = {slide: meanings.get(label, label) for slide, label in stored.items()}
    patients = same_within(read, "slide_id", "case_id", where)
    if fold is None:
        return LabelledSlides(patients, labels, {})
    name = f"fold_{fold}"
    need_columns(read, (name,), where)
    splits = {
        slide: _split(value, name, where)
        for slide, value in same_within(read, "slide_id", name, where).items()
        if value
    }
    return LabelledSlides(patients, labels, splits, _without_val(splits, name))


def manifest_rows(slides: LabelledSlides, job: ManifestJob) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """Return the rows of a manifest, and notes.

    Raises:
        InterchangeError: ``{slide}`` is not in ``path`` or ``coordinates``, or ``column`` is none that holds
            slides.
    """
    if "{slide}" not in job.path or job.column not in ("path", "features"):
        raise InterchangeError(f"{job.column} {job.path!r} must be a path or features with {{slide}} in it")
    if job.coordinates is not None and "{slide}" not in job.coordinates:
        raise InterchangeError(f"coordinates {job.coordinates!r} must be a path with {{slide}} in it")
    notes, splits = list(slides.notes), slides.splits
    if not splits:
        own: dict[str, set[str]] = {}
        for slide, patient in slides.patients.items():
            own.setdefault(patient, set()).add(slides.labels[slide])
        drawn = draw_splits({p: "|".join(sorted(each)) for p, each in own.items()}, job.fractions, job.seed)
        splits = {slide: drawn[patient] for slide, patient in slides.patients.items()}
        notes.append(f"no splits are named: they are drawn by patient with seed {job.seed}")
    mpp = "" if job.mpp is None else f"{job.mpp:g}"
    rows = []
    for slide, split in splits.items():
        patient, label = slides.patients[slide], slides.labels[slide]
        rows.append({
            "slide_id": f"slide_{slide}" if slide in slides.patients.values() else slide,
            "patient_id": patient, job.column: job.path.replace("{slide}", slide), "split": split,
            "label": job.labels.get(label, label), "mpp": mpp,
            "coordinates": (job.coordinates or "").replace("{slide}", slide),
        })  # fmt: skip
    return rows, tuple(notes)


def _clam_splits(read: pd.DataFrame, where: str) -> dict[str, Split]:
    """Return the split of each slide from either form of the file."""
    need_columns(read, ("train", "test"), where)
    present = [split for split in SPLITS if split in read.columns]
    truths = {cell.lower() for split in present for cell in read[split]}
    splits: dict[str, Split] = {}
    if truths <= {"true", "false"}:
        names = read[read.columns[0]]
        pairs = [(split, name) for split in present for name in names[read[split].str.lower() == "true"]]
    else:
        pairs = [(split, name) for split in present for name in read[split] if name]
    for split, name in pairs:
        first = splits.setdefault(name, split)
        if first != split:
            raise InterchangeError(f"{where}: slide {name!r} is in {first} and in {split}")
    return splits


def _config(path: Path, *, needed: bool) -> Mapping[str, object]:
    if not path.is_file():
        if needed:
            raise InterchangeError(f"there is no {path.name}")
        return {}
    try:
        stated = strict_yaml(path.read_text(encoding="utf-8"))
    except (StrictYamlError, UnicodeDecodeError) as error:
        raise InterchangeError(f"{path.name} is no YAML: {error}") from error
    return stated if isinstance(stated, dict) else {}


def _meanings(stated: object) -> dict[str, str]:
    """Return what numbers mean as labels; a dictionary of another kind says nothing about the table."""
    if not isinstance(stated, dict):
        return {}
    return {str(key): str(value) for key, value in stated.items() if str(key).isdecimal()}


def _only_task(read: pd.DataFrame, where: str) -> str:
    taken = ("case_id", "slide_id")
    tasks = [name for name in read.columns if name not in taken and not name.startswith("fold_")]
    if len(tasks) != 1:
        raise InterchangeError(
            f"{where}: which column is the task? There are {', '.join(tasks) or 'none'}; config.yaml says it "
            "as task_col"
        )
    return str(tasks[0])


def _split(value: str, column: str, where: str) -> Split:
    for split in SPLITS:
        if value == split:
            return split
    raise InterchangeError(f"{where}: {column} holds {value!r}; allowed are {', '.join(SPLITS)}")


def _without_val(splits: Mapping[str, Split], name: str) -> tuple[str, ...]:
    if "val" in splits.values():
        return ()
    return (f"{name} has no val: a study needs slides to choose the epoch on, or folds of its own",)
